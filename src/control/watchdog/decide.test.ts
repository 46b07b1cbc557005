import { describe, expect, it } from "vitest";
import { decide, type WorkerView } from "./decide.ts";
import { type Outcome, seen, type Sight, UNSEEN } from "./sight.ts";

function after(...outcomes: readonly Outcome[]): Sight {
  return outcomes.reduce((sight, outcome, index) => seen(sight, outcome, index * 100), UNSEEN);
}
const many = (count: number, outcome: Outcome): readonly Outcome[] =>
  Array.from({ length: count }, () => outcome);
const free = { excluded: false, ours: false };
const ours = { excluded: true, ours: true };
const theirs = { excluded: true, ours: false };
const UP = after("answers");
const DEAD = after(...many(3, "silent"));

function site(...workers: readonly (readonly [Sight, WorkerView["marks"]])[]): readonly WorkerView[] {
  return workers.map(([sight, marks], index) => ({ name: `w${index + 1}`, sight, marks }));
}

describe("what is made of probes", () => {
  it.each<[string, readonly Outcome[], Sight["life"]]>([
    ["nothing of a packet that was lost", ["answers", "silent", "answers", "silent"], "up"],
    ["nothing of two", ["answers", "silent", "silent"], "up"],
    ["death of three", ["answers", "silent", "silent", "silent"], "dead"],
    ["death of a machine that refused, then was silent", ["answers", "refuses", "silent", "silent"], "dead"],
    ["nothing of a program that starts again", ["answers", ...many(49, "refuses")], "up"],
    ["death of one that does not", ["answers", ...many(50, "refuses")], "dead"],
    ["nothing of refusals alone at first", many(10, "refuses"), "unknown"],
    ["life of the first answer", [...many(9, "silent"), "answers"], "up"],
    ["no life of a machine that starts", [...many(9, "silent"), ...many(9, "refuses")], "dead"],
  ])("%s", (_what, outcomes, life) => {
    expect(after(...outcomes).life).toBe(life);
  });

  it("a time of answers begins anew after a miss", () => {
    expect(after(...many(4, "answers")).answersSinceMs).toBe(0);
    expect(after("answers", "silent", "answers", "answers").answersSinceMs).toBe(200);
  });
});

describe("what follows", () => {
  it("excludes who is dead, while another lives", () => {
    expect(decide(site([UP, free], [DEAD, free]), 1000)).toEqual([{ worker: "w2", exclude: true }]);
    expect(decide(site([DEAD, free], [DEAD, free]), 1000)).toEqual([]);
    expect(decide(site([UP, theirs], [DEAD, free]), 1000)).toEqual([]);
    expect(decide(site([UP, undefined], [DEAD, free]), 1000)).toEqual([]);
    expect(decide(site([UP, free], [DEAD, undefined]), 1000)).toEqual([]);
    expect(decide(site([UP, free], [DEAD, theirs]), 1000)).toEqual([]);
  });

  it("waits for those who are heard a moment later when the ECAM's own link comes back", () => {
    const cut = site([UP, free], [DEAD, free]);
    expect(decide(cut, 299)).toEqual([]);
    expect(decide(cut, 300)).toEqual([{ worker: "w2", exclude: true }]);
    const missed = after("answers", "answers", "silent");
    expect(decide(site([missed, free], [DEAD, free]), 1000)).toEqual([]);
  });

  it("decides nothing before everybody was looked at", () => {
    expect(decide(site([UP, free], [DEAD, free], [UNSEEN, free]), 0)).toEqual([]);
    expect(decide(site([UP, ours], [after("silent"), free]), 9000)).toEqual([]);
  });

  it("lets one in again after five seconds, at once where nobody else is left, and never what others keep out", () => {
    expect(decide(site([UP, free], [UP, ours]), 4999)).toEqual([]);
    expect(decide(site([UP, free], [UP, ours]), 5000)).toEqual([{ worker: "w2", exclude: false }]);
    expect(decide(site([DEAD, free], [UP, ours]), 0)).toEqual([{ worker: "w2", exclude: false }]);
    expect(decide(site([DEAD, free], [UP, ours]), 300)).toEqual([
      { worker: "w2", exclude: false },
      { worker: "w1", exclude: true },
    ]);
    expect(decide(site([UP, theirs], [UP, ours]), 0)).toEqual([{ worker: "w2", exclude: false }]);
    expect(decide(site([UP, free], [UP, theirs]), 9000)).toEqual([]);
  });

  it("takes back a mark whose label somebody has removed", () => {
    const leftover = { excluded: false, ours: true };
    expect(decide(site([UP, free], [UP, leftover]), 5000)).toEqual([{ worker: "w2", exclude: false }]);
    expect(decide(site([UP, free], [DEAD, leftover]), 5000)).toEqual([{ worker: "w2", exclude: true }]);
  });
});
