import { describe, expect, it } from "vitest";
import type { PanopticonError } from "#base/errors.ts";
import type { Event } from "#base/events.ts";
import { closedGate, openGate } from "./gate.ts";
import { guardedGate, type Outage } from "./guard.ts";
import { openJournal } from "./journal.ts";
import type { Change } from "./phase.ts";

const harmless: Outage = { says: "1 of 3 away", breaks: [] };
const harmful: Outage = { says: "2 of 3 away", breaks: ["etcd:attic"] };

function open() {
  const journal = openJournal(":memory:");
  return openGate(
    journal,
    () => undefined,
    () => new Date(),
  );
}

function restart(done: string[], subject = "attic-cp-1"): Change {
  return { subject, what: "restart", interrupts: [subject], apply: async () => void done.push(subject) };
}

describe("a guarded gate", () => {
  it("lets a change through that breaks nothing, and says what is away meanwhile", async () => {
    const [done, events]: [string[], Event[]] = [[], []];
    const gate = guardedGate(
      closedGate((event) => events.push(event)),
      { outageOf: async () => harmless, accept: false },
    );
    await gate.pass("attic", "settings", restart(done));
    expect(events).toMatchObject([{ kind: "change-planned", what: "restart — 1 of 3 away" }]);
    await guardedGate(open(), { outageOf: async () => harmless, accept: false }).pass(
      "attic",
      "",
      restart(done),
    );
    expect(done).toEqual(["attic-cp-1"]);
  });

  it("refuses one that breaks a promise, with exit code 1, unless it is accepted", async () => {
    const done: string[] = [];
    const outageOf = async () => harmful;
    const refused = guardedGate(open(), { outageOf, accept: false }).pass("attic", "", restart(done));
    const error: PanopticonError = await refused.then(
      () => expect.unreachable(),
      (thrown: PanopticonError) => thrown,
    );
    expect(error).toMatchObject({ exit: 1, problems: [{ code: "APPLY_BREAKS_PROMISE" }] });
    expect(error.message).toContain("etcd:attic");
    expect(done).toEqual([]);
    await guardedGate(open(), { outageOf, accept: true }).pass("attic", "", restart(done));
    expect(done).toEqual(["attic-cp-1"]);
  });

  it("says in a dry run that it would refuse", async () => {
    const events: Event[] = [];
    const gate = guardedGate(
      closedGate((event) => events.push(event)),
      { outageOf: async () => harmful, accept: false },
    );
    await gate.pass("attic", "settings", restart([]));
    expect(events).toMatchObject([{ what: "restart — 2 of 3 away (refused without --accept-outage)" }]);
  });

  it("asks for nothing where a change interrupts nothing", async () => {
    const done: string[] = [];
    const gate = guardedGate(open(), { outageOf: () => Promise.reject(new Error("asked")), accept: false });
    await gate.pass("attic", "files", {
      subject: "x",
      what: "write",
      apply: async () => void done.push("x"),
    });
    expect(done).toEqual(["x"]);
  });

  it("lets interrupting changes through one at a time, also where one failed", async () => {
    let under = 0;
    let most = 0;
    const slow = (subject: string, fails: boolean): Change => ({
      subject,
      what: "restart",
      interrupts: [subject],
      apply: async () => {
        most = Math.max(most, ++under);
        await new Promise((resolve) => setTimeout(resolve, 5));
        under--;
        if (fails) throw new Error("it did not come back");
      },
    });
    const gate = guardedGate(open(), { outageOf: async () => harmless, accept: false });
    const passes = ["a", "b", "c"].map((name) => gate.pass(name, "settings", slow(name, name === "a")));
    const results = await Promise.allSettled(passes);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    expect(most).toBe(1);
  });
});
