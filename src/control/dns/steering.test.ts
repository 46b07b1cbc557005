import { describe, expect, it } from "vitest";
import { majorityOf, mutualGroup, newest, type Report, STALE_MS, steeringVoters } from "./report.ts";
import { decide, type Question, type Served } from "./steering.ts";

const places = ["a", "b", "c"].map((site, index) => ({ address: `203.0.113.${index + 1}`, site }));
const [A = "", B = "", C = ""] = places.map(({ address }) => address);
const voters = ["a", "b", "c"];

const says = (voter: string, down: readonly string[] = [], change: Partial<Report> = {}): Report => ({
  voter,
  sequence: 1,
  ageMs: 0,
  hears: voters.filter((one) => one !== voter),
  down,
  ...change,
});

function ask(reports: readonly Report[], change: Partial<Question> = {}) {
  const decision = decide({ self: "a", voters, reports, places, before: undefined, nowMs: 0, ...change });
  const why = decision.rulings.map(({ reason }) => reason.why);
  return { ...decision, answer: decision.served.answer, why };
}

describe("whose word counts", () => {
  it("is a majority of all voters, the witness among them where sites are even", () => {
    expect(steeringVoters(["a", "b"], "outside")).toEqual(["a", "b", "outside"]);
    expect(steeringVoters(voters, "outside")).toEqual(voters);
    expect([1, 2, 3, 4, 5].map((count) => majorityOf(Array.from({ length: count }, String)))).toEqual([
      1, 2, 2, 3, 3,
    ]);
  });

  it("is the newest word of each voter, and none that is old", () => {
    const reports = newest([
      says("a", ["c"], { sequence: 3 }),
      says("a", [], { sequence: 2 }),
      says("b", [], { ageMs: STALE_MS + 1 }),
    ]);
    expect([...reports.values()].map(({ voter, sequence }) => [voter, sequence])).toEqual([["a", 3]]);
  });

  it("is that of voters who hear us and whom we hear, by way of others too", () => {
    const group = (...reports: readonly Report[]) => [...mutualGroup("a", newest(reports))].toSorted();
    const hears = (voter: string, ...others: readonly string[]) => says(voter, [], { hears: others });
    expect(group(hears("a", "b"), hears("b", "a"), hears("c", "a", "b"))).toEqual(["a", "b"]);
    expect(group(hears("a", "b"), hears("b", "c"), hears("c", "a"))).toEqual(["a", "b", "c"]);
    expect(group(hears("a", "b"), hears("b"))).toEqual(["a"]);
    expect(group(hears("a", "b"))).toEqual(["a"]);
  });
});

describe("an address", () => {
  it("is withdrawn when a majority sees its site down, its own say counted, and not before", () => {
    expect(ask([says("a", ["c"]), says("b"), says("c")]).answer).toEqual([A, B, C]);
    const two = ask([says("a", ["c"]), says("b", ["c"]), says("c")]);
    expect(two.answer).toEqual([A, B]);
    expect(two.rulings[2]?.reason).toEqual({ why: "down", down: 2 });
    expect(ask([says("a", ["c"]), says("b"), says("c", ["c"])]).answer).toEqual([A, B]);
    expect(ask([says("a", ["c"]), says("b", ["c"])]).answer).toEqual([A, B]);
  });

  it("stays as it was where fewer than a majority are heard", () => {
    const before: Served = { answer: [A, C], holds: {} };
    const alone = ask([says("a", ["b", "c"])], { before });
    expect(alone).toMatchObject({ answer: [A, C], frozen: true, why: ["frozen", "frozen", "frozen"] });
    expect(ask([says("a", ["b", "c"])]).answer).toEqual([A, B, C]);
    // Heard, but not hearing: the others decide without us.
    expect(
      ask([says("a"), says("b", ["a"], { hears: ["c"] }), says("c", ["a"], { hears: ["b"] })]),
    ).toMatchObject({
      frozen: true,
    });
    // What the plan has taken away is served no more.
    expect(ask([], { before: { answer: ["192.0.2.1"], holds: {} } }).answer).toEqual([A, B, C]);
  });

  it("of two sites needs a witness, or freezes", () => {
    const two = places.slice(0, 2);
    const pair = ["a", "b"];
    expect(ask([says("a", ["b"])], { voters: pair, places: two })).toMatchObject({
      frozen: true,
      answer: [A, B],
    });
    const three = steeringVoters(pair, "outside");
    const hears = { hears: three };
    const reports = [says("a", ["b"], hears), says("outside", ["b"], hears)];
    expect(ask(reports, { voters: three, places: two })).toMatchObject({ frozen: false, answer: [A] });
    const both = [says("a", ["b"], hears), says("b", ["b"], hears)];
    expect(ask(both, { voters: pair, places: two }).answer).toEqual([A]);
  });

  it("that is the last never goes: the ones that the fewest see down stay", () => {
    const all = ["a", "b", "c"];
    expect(ask([says("a", all), says("b", all), says("c", ["a", "b"])]).answer).toEqual([C]);
    const equal = ask([says("a", all), says("b", all), says("c", all)]);
    expect(equal.answer).toEqual([A, B, C]);
    expect(equal.why).toEqual(["last", "last", "last"]);
    expect(ask([says("a"), says("b"), says("c")], { places: [] }).answer).toEqual([]);
  });

  it("leaves the name of a service alone, where only that fails", () => {
    const fails = { downServices: { shop: ["b"] } };
    const reports = [says("a", [], fails), says("b", [], fails), says("c")];
    expect(ask(reports, { service: "shop" }).answer).toEqual([A, C]);
    expect(ask(reports, { service: "blog" }).answer).toEqual([A, B, C]);
    expect(ask(reports).answer).toEqual([A, B, C]);
    // One sees the site down, another the service: the name fails for both.
    const mixed = [says("a", ["b"]), says("b"), says("c", [], fails)];
    expect(ask(mixed, { service: "shop" }).answer).toEqual([A, C]);
    expect(ask(mixed).answer).toEqual([A, B, C]);
  });

  it("returns damped, longer each time it falls, and at once where nothing else is left", () => {
    const down = [says("a", ["c"]), says("b", ["c"])];
    const up = [says("a"), says("b"), says("c")];
    let before: Served | undefined;
    const at = (second: number, reports: readonly Report[]) => {
      const decision = ask(reports, { before, nowMs: second * 1000 });
      before = decision.served;
      return decision.answer.includes(C);
    };
    expect([at(0, up), at(1, down), at(2, up), at(10, up), at(11, up)]).toEqual([
      true,
      false,
      false,
      false,
      true,
    ]);
    expect([at(20, down), at(30, up), at(39, up), at(40, up)]).toEqual([false, false, false, true]);
    for (const second of [50, 150, 250, 350]) expect(at(second, down)).toBe(false);
    expect([at(429, up), at(430, up)]).toEqual([false, true]);
    expect([at(1031, up), at(1032, down), at(1041, up), at(1042, up)]).toEqual([true, false, false, true]);
    at(1050, down);
    const rest = ["a", "b"];
    expect(ask([says("a", rest), says("b", rest), says("c")], { before, nowMs: 1_051_000 }).answer).toEqual([
      C,
    ]);
  });
});
