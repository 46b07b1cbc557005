import { describe, expect, it } from "vitest";
import { PanopticonError, worldFailed, wrongUse } from "#base/errors.ts";
import type { Event } from "#base/events.ts";
import { converge } from "./engine.ts";
import { closedGate, openGate } from "./gate.ts";
import { openJournal } from "./journal.ts";
import type { Phase, SiteContext } from "./phase.ts";

/** As much of a context as the engine itself uses; phases of these tests look no further. */
function contextOf(name: string, events: Event[] = []): SiteContext {
  const emit = (event: Event) => events.push(event);
  return { site: { name }, emit, now: () => new Date() } as unknown as SiteContext;
}

function phaseOf(
  name: string,
  subjects: readonly string[],
  apply: (subject: string) => Promise<void>,
): Phase {
  const changes = async () =>
    subjects.map((subject) => ({ subject, what: name, apply: () => apply(subject) }));
  return { name, title: name, concurrency: 2, changes };
}

const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 5));
const gate = () =>
  openGate(
    openJournal(":memory:"),
    () => undefined,
    () => new Date(),
  );

describe("converge", () => {
  it("runs phases in order and counts what was changed at every site", async () => {
    const done: string[] = [];
    const note = (phase: string) => async (subject: string) => {
      await pause();
      done.push(`${phase} ${subject}`);
    };
    const phases = [phaseOf("one", ["a", "b"], note("one")), phaseOf("two", ["c"], note("two"))];
    expect(await converge(phases, [contextOf("attic"), contextOf("cellar")], gate())).toBe(6);
    expect(done.lastIndexOf("one b")).toBeLessThan(done.indexOf("two c"));
  });

  it("runs the phases of a list within the list side by side", async () => {
    const order: string[] = [];
    const slow = phaseOf("slow", ["s"], async () => {
      await pause();
      await pause();
      order.push("slow");
    });
    const quick = phaseOf("quick", ["q"], async () => {
      order.push("quick");
    });
    await converge([[slow, quick]], [contextOf("attic")], gate());
    expect(order).toEqual(["quick", "slow"]);
  });

  it("has no more under way than a phase allows", async () => {
    let now = 0;
    let most = 0;
    const phase = phaseOf("p", ["a", "b", "c", "d", "e"], async () => {
      most = Math.max(most, ++now);
      await pause();
      now--;
    });
    await converge([phase], [contextOf("attic")], gate());
    expect(most).toBe(2);
  });

  it("lets a site go on when another fails, and throws the errors of all at the end", async () => {
    const reached: string[] = [];
    const failing: Phase = {
      ...phaseOf("fail", [], pause),
      changes: async ({ site }) => {
        if (site.name !== "cellar") throw worldFailed("TEST_BROKEN", `${site.name} is broken`);
        return [];
      },
    };
    const after: Phase = { ...failing, changes: async ({ site }) => (reached.push(site.name), []) };
    const run = converge(
      [failing, after],
      ["attic", "cellar", "shed"].map((name) => contextOf(name)),
      gate(),
      { tries: 2, pauseMs: 1 },
    );
    const error = await run.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PanopticonError);
    expect((error as PanopticonError).problems.map(({ message }) => message)).toEqual([
      "attic is broken",
      "shed is broken",
    ]);
    expect(reached).toEqual(["cellar"]);
  });

  it("starts nothing new after a failure, but waits for what is under way", async () => {
    const ended: string[] = [];
    const phase = phaseOf("p", ["bad", "slow", "never"], async (subject) => {
      if (subject === "bad") throw worldFailed("TEST_BROKEN", "broken");
      await pause();
      ended.push(subject);
    });
    const run = converge([phase], [contextOf("attic")], gate(), { tries: 1, pauseMs: 1 });
    await expect(run).rejects.toThrow("TEST_BROKEN");
    expect(ended).toEqual(["slow"]);
  });

  it("looks again where the world failed, says so, and counts each change once", async () => {
    const events: Event[] = [];
    const left = new Set(["a", "b"]);
    let failures = 2;
    const phase: Phase = {
      ...phaseOf("p", [], pause),
      concurrency: 1,
      changes: async () =>
        [...left].map((subject) => ({
          subject,
          what: "p",
          apply: async () => {
            if (subject === "b" && failures-- > 0) throw worldFailed("TEST_BROKEN", "not yet");
            left.delete(subject);
          },
        })),
    };
    const patience = { tries: 3, pauseMs: 1 };
    expect(await converge([phase], [contextOf("attic", events)], gate(), patience)).toBe(2);
    const notes = events.filter(({ kind }) => kind === "note");
    expect(notes).toHaveLength(2);
    expect(notes[0]).toMatchObject({ subject: "attic", what: expect.stringContaining("not yet") });
  });

  it("does not try a defect or a wrong use again", async () => {
    for (const error of [new TypeError("a defect"), wrongUse("TEST_WRONG", "wrong")]) {
      let tries = 0;
      const apply = async () => {
        tries++;
        throw error;
      };
      const run = converge([phaseOf("p", ["a"], apply)], [contextOf("attic")], gate());
      await expect(run).rejects.toBe(error);
      expect(tries).toBe(1);
    }
  });

  it("changes nothing through a closed gate, and says what it would", async () => {
    const events: Event[] = [];
    const emit = (event: Event) => events.push(event);
    const phase = phaseOf("p", ["a"], () => Promise.reject(new Error("it was let through")));
    expect(await converge([phase], [contextOf("attic")], closedGate(emit))).toBe(1);
    expect(events).toEqual([{ kind: "change-planned", site: "attic", phase: "p", subject: "a", what: "p" }]);
  });
});
