import { describe, expect, it } from "vitest";
import type { CrownSpec, Inheritance } from "../api/crown.ts";
import type { MirrorSpec } from "../api/mirror.ts";
import { conflictsOf, resolve } from "./conflicts.ts";
import { accepts, eligible, isAhead, isInherited, newest, nextEpoch, sitesToAsk } from "./epoch.ts";
import { type MoveView, nextMove } from "./move.ts";
import { WITNESS as witness } from "../test/witness.ts";
import { claimOf, take, type Vote, vote, type Voter, votersOf } from "./take.ts";

const at = "2026-01-01T00:00:00Z";
const upTo = (epoch: number, revision: string): Inheritance => ({
  epoch,
  resourceVersions: { things: revision },
});

function crownOf(...names: readonly string[]): CrownSpec {
  const sites = names.map((name, index) => ({
    name,
    kind: "on-prem" as const,
    seat: index + 1,
    endpoints: [],
  }));
  const sky = { name: "sky", kind: "cloud" as const, seat: 0, endpoints: [] };
  const holder = names[0] ?? "";
  return {
    epoch: 1001,
    holder,
    sites: [...sites, sky],
    history: [{ epoch: 1001, holder, at, how: "founded" }],
  };
}

const three = crownOf("attic", "barn", "cellar");
const voter = (name: string, change: Partial<Voter> = {}): Voter => ({
  name,
  crown: three,
  has: upTo(1001, "5"),
  ...change,
});

describe("epochs", () => {
  it("count rounds and name the seat", () => {
    expect([nextEpoch(1001, 3), nextEpoch(1003, 1), nextEpoch(0, 1)]).toEqual([2003, 2001, 1001]);
    expect([accepts(three, { epoch: 1001 }), accepts(three, { epoch: 1000 })]).toEqual([true, false]);
    expect(
      newest(three, [
        { ...three, epoch: 2002 },
        { ...three, epoch: 1001, holder: "x" },
      ]).epoch,
    ).toBe(2002);
  });

  it("are asked of the holder first, then of sites that may hold it, never of oneself", () => {
    expect(sitesToAsk({ ...three, holder: "cellar" }, "barn").map(({ name }) => name)).toEqual([
      "cellar",
      "attic",
      "sky",
    ]);
  });

  it("tell what the crowned hub has of an older one's writes", () => {
    const moved = { epoch: 2002, holder: "barn", at, how: "taken" as const, after: upTo(1001, "50") };
    const taken = { epoch: 3003, holder: "cellar", at, how: "forced" as const, after: upTo(1001, "40") };
    const has = (epoch: number, resourceVersion: string, ...history: (typeof moved | typeof taken)[]) =>
      isInherited([...three.history, ...history], { epoch, resourceVersion }, "things");
    expect([has(1001, "50", moved), has(1001, "51", moved), has(1001, "9", moved)]).toEqual([
      true,
      false,
      true,
    ]);
    expect([has(2002, "1", moved), has(2002, "1", taken), has(1001, "40", taken)]).toEqual([
      true,
      false,
      true,
    ]);
    expect(isInherited([...three.history, moved], { epoch: 1001, resourceVersion: "1" }, "others")).toBe(
      false,
    );
  });

  it("compare mirrors type by type", () => {
    expect(isAhead(upTo(1001, "10"), upTo(1001, "9"))).toBe(true);
    expect(isAhead(upTo(1001, "9"), upTo(1001, "9"))).toBe(false);
    const split = { epoch: 1001, resourceVersions: { things: "10", others: "1" } };
    expect(isAhead(split, { epoch: 1001, resourceVersions: { things: "9", others: "2" } })).toBe(false);
    expect(isAhead(upTo(2002, "1"), upTo(1001, "9"))).toBe(true);
  });
});

describe("a vote", () => {
  const claim = claimOf(three, "barn", upTo(1001, "5"), undefined);
  const reason = (one: Voter) => {
    const given = vote(one, claim, 1000);
    return given.granted ? "granted" : given.reason;
  };

  it("is given once a round, and again to the same claim", () => {
    expect(vote(voter("cellar"), claim, 1000)).toEqual({
      voter: "cellar",
      granted: true,
      promise: { epoch: 2002, site: "barn" },
    });
    expect(reason(voter("cellar", { promised: { epoch: 2002, site: "barn" } }))).toBe("granted");
    expect(reason(voter("cellar", { promised: { epoch: 2003, site: "cellar" } }))).toBe("PromisedElsewhere");
  });

  it("is denied while the holder is heard, to who has less, and to who is behind the times", () => {
    expect(reason(voter("cellar", { holderHeardMsAgo: 999 }))).toBe("HolderAlive");
    expect(reason(voter("cellar", { holderHeardMsAgo: 1000 }))).toBe("granted");
    expect(reason(voter("cellar", { has: upTo(1001, "6") }))).toBe("Ahead");
    expect(reason(voter("cellar", { crown: { ...three, epoch: 2003, holder: "cellar" } }))).toBe("Outdated");
  });

  it("denied leads to a claim above what the voter knows", () => {
    const denied = vote(voter("cellar", { promised: { epoch: 5003, site: "cellar" } }), claim, 1000);
    expect(claimOf(three, "barn", upTo(1001, "5"), undefined, [denied]).epoch).toBe(6002);
  });
});

describe("taking the crown", () => {
  const granted = (...names: readonly string[]): readonly Vote[] =>
    names.map((name) => ({ voter: name, granted: true, promise: { epoch: 2002, site: "barn" } }));
  const taken = (votes: readonly Vote[], change: Partial<Parameters<typeof take>[0]> = {}) => {
    const crown = change.crown ?? three;
    const claim = claimOf(crown, "barn", upTo(1001, "5"), undefined);
    return take({ crown, claim, votes, force: false, at, ...change });
  };

  it("needs a majority of all, and then remembers what it started from", () => {
    const crown = taken(granted("barn", "cellar"));
    expect(crown).toMatchObject({ epoch: 2002, holder: "barn" });
    expect(crown.history.at(-1)).toEqual({
      epoch: 2002,
      holder: "barn",
      at,
      how: "taken",
      after: upTo(1001, "5"),
    });
    expect(() => taken(granted("barn"))).toThrow(
      /FEDERATION_CROWN_NO_MAJORITY 1 of 3 votes.*2 are needed.*attic, cellar/,
    );
    expect(taken(granted("barn"), { force: true }).history.at(-1)?.how).toBe("forced");
  });

  it("counts no vote of strangers and no vote twice", () => {
    expect(() => taken(granted("barn", "barn", "sky", "nobody"))).toThrow("NO_MAJORITY");
  });

  it("of two sites needs a witness or force, and says why", () => {
    const two = crownOf("attic", "barn");
    expect(() => taken(granted("barn"), { crown: two })).toThrow(
      /Of two sites neither can tell.*panopticon witness create/,
    );
    const watched = { ...two, witness };
    expect(taken(granted("barn", "witness home"), { crown: watched })).toMatchObject({
      holder: "barn",
      witness,
    });
    expect(() => taken(granted("barn", "home"), { crown: watched })).toThrow("NO_MAJORITY");
    expect(votersOf(watched)).toEqual(["attic", "barn", "witness home"]);
    expect(votersOf({ ...three, witness })).toEqual(["attic", "barn", "cellar"]);
  });

  it("says why the witness did not vote, and lets it refuse as a site does", () => {
    const crown = { ...crownOf("attic", "barn"), witness };
    const says = (reason: "Unsettled" | "TooSoon" | "HolderAlive"): readonly Vote[] => [
      ...granted("barn"),
      { voter: "witness home", granted: false, reason, epoch: 2001, afterSeconds: 3.2 },
    ];
    expect(() => taken(says("Unsettled"), { crown })).toThrow(/NO_MAJORITY.*home \(it has voted for another/);
    expect(() => taken(says("TooSoon"), { crown })).toThrow(/NO_MAJORITY.*another 4 s/);
    expect(() => taken(says("HolderAlive"), { crown })).toThrow("the witness home still hears the holder");
  });

  it("is refused while somebody hears the holder or has more, and never beats a newer crown", () => {
    const denied = (reason: "HolderAlive" | "Ahead" | "Outdated"): readonly Vote[] => [
      ...granted("barn", "cellar"),
      { voter: "attic", granted: false, reason, epoch: 1001 },
    ];
    expect(() => taken(denied("HolderAlive"))).toThrow("FEDERATION_CROWN_HOLDER_ALIVE");
    expect(() => taken(denied("Ahead"))).toThrow("FEDERATION_CROWN_AHEAD");
    expect(taken(denied("HolderAlive"), { force: true }).holder).toBe("barn");
    expect(() => taken(denied("Outdated"), { force: true })).toThrow("FEDERATION_CROWN_OUTDATED");
  });

  it("is not for clouds or strangers", () => {
    expect(() => eligible(three, "sky")).toThrow(/FEDERATION_CROWN_NOT_ELIGIBLE.*attic, barn, cellar/s);
    expect(() => eligible(three, "nowhere")).toThrow("FEDERATION_CROWN_UNKNOWN_SITE");
  });
});

describe("moving the crown", () => {
  const view = (change: Partial<MoveView> = {}): MoveView => ({
    to: "barn",
    holder: { crown: three, revisions: { things: "50" } },
    target: { crown: three, has: upTo(1001, "50") },
    others: { cellar: 1001 },
    now: at,
    impatient: false,
    ...change,
  });
  const frozen = (committed?: boolean): MoveView["holder"] => ({
    crown: { ...three, frozen: { to: "barn", at, ...(committed && { committed }) } },
    revisions: { things: "50" },
  });

  it("freezes, drains, commits, crowns, steps down, announces and is done", () => {
    const first = nextMove(view());
    expect(first).toMatchObject({ step: "freeze", crown: { frozen: { to: "barn", at } } });
    const late = { crown: three, has: upTo(1001, "49") };
    expect(nextMove(view({ holder: frozen(), target: late }))).toEqual({ step: "drain", behind: ["things"] });
    expect(nextMove(view({ holder: frozen() }))).toMatchObject({
      step: "commit",
      crown: { frozen: { committed: true } },
    });
    const crowning = nextMove(view({ holder: frozen(true) }));
    if (crowning.step !== "crown") throw new Error(crowning.step);
    expect(crowning.crown).toMatchObject({ epoch: 2002, holder: "barn" });
    expect(crowning.crown.frozen).toBeUndefined();
    expect(crowning.crown.history.at(-1)?.after).toEqual(upTo(1001, "50"));
    const target = { crown: crowning.crown, has: upTo(1001, "50") };
    expect(nextMove(view({ holder: frozen(true), target }))).toEqual({
      step: "step-down",
      crown: crowning.crown,
    });
    const down = { crown: crowning.crown, revisions: {} };
    expect(nextMove(view({ holder: down, target }))).toEqual({ step: "announce", waiting: ["cellar"] });
    expect(nextMove(view({ holder: undefined, target, others: { cellar: 2002 } }))).toEqual({ step: "done" });
  });

  it("gives up while it can, and not after", () => {
    const late = { crown: three, has: upTo(1001, "49") };
    const given = nextMove(view({ holder: frozen(), target: late, impatient: true }));
    expect(given).toMatchObject({ step: "unfreeze" });
    expect((given as { crown: CrownSpec }).crown.frozen).toBeUndefined();
    expect(nextMove(view({ holder: frozen(true), target: undefined, impatient: true }))).toMatchObject({
      step: "wait",
    });
  });

  it("can't be begun without the holder, to a cloud, or across another move", () => {
    expect(() => nextMove(view({ holder: undefined }))).toThrow("FEDERATION_CROWN_HOLDER_LOST");
    expect(() => nextMove(view({ to: "sky" }))).toThrow("FEDERATION_CROWN_NOT_ELIGIBLE");
    expect(nextMove(view({ to: "cellar", holder: frozen() }))).toMatchObject({ step: "unfreeze" });
    expect(() => nextMove(view({ to: "cellar", holder: frozen(true) }))).toThrow("FEDERATION_CROWN_MOVING");
  });
});

describe("conflicts", () => {
  const key = { group: "", version: "v1", kind: "Thing", plural: "things", namespace: "", name: "web" };
  const mirror = (resourceVersion: string, hash = "theirs"): MirrorSpec => ({
    ...key,
    uid: "u",
    epoch: 1001,
    resourceVersion,
    hash,
    body: { a: 1 },
  });
  const crown = {
    ...three,
    epoch: 2002,
    holder: "barn",
    history: [
      ...three.history,
      { epoch: 2002, holder: "barn", at, how: "taken" as const, after: upTo(1001, "50") },
    ],
  };
  const of = (one: MirrorSpec, there?: string) =>
    conflictsOf(
      "attic",
      [one],
      new Map(there === undefined ? [] : [["/Thing//web", there]]),
      crown,
      () => "things",
      at,
    );

  it("are writes after the successor's start that it has not", () => {
    expect(of(mirror("51"), "ours")).toMatchObject([
      { operation: "Write", site: "attic", hash: "theirs", body: { a: 1 } },
    ]);
    expect(of(mirror("51"))).toHaveLength(1);
    expect(of(mirror("51"), "theirs")).toEqual([]);
    expect(of(mirror("50"), "ours")).toEqual([]);
  });

  it("are deletions too, unless it is gone there as well", () => {
    const { body: _body, ...rest } = mirror("51");
    const dead = { ...rest, tombstone: { deletedAt: at, orphan: false } };
    expect(of(dead, "ours")).toMatchObject([{ operation: "Delete" }]);
    expect(of(dead, "ours")[0]).not.toHaveProperty("body");
    expect(of(dead)).toEqual([]);
  });

  it("do what is decided", () => {
    const [write] = of(mirror("51"), "ours");
    if (!write) throw new Error("no conflict");
    expect(resolve(write)).toBeUndefined();
    expect(resolve({ ...write, resolution: "Apply" })).toEqual({ do: "write", body: { a: 1 } });
    expect(resolve({ ...write, resolution: "Discard" })).toEqual({ do: "nothing" });
    expect(resolve({ ...write, operation: "Delete", resolution: "Apply" })).toEqual({ do: "delete" });
  });
});
