import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, type Marks, RETURN_MS, type WorkerView } from "./decide.ts";
import { type Outcome, PROBE_INTERVAL_MS, seen, type Sight, UNSEEN } from "./sight.ts";

interface Node {
  sight: Sight;
  marks: Marks | undefined;
}

/** A site whose writes may get lost, and whose Nodes people change. */
class Site {
  readonly nodes: Node[];
  /** What must never happen. */
  readonly wrongs: string[] = [];
  private nowMs = 0;

  constructor(count: number) {
    const marks = { excluded: false, ours: false };
    this.nodes = Array.from({ length: count }, () => ({ sight: UNSEEN, marks }));
  }

  /** One round of probes; a write that `lost` names does not arrive. */
  round(outcomes: readonly Outcome[], lost: readonly number[] = []): void {
    this.nowMs += PROBE_INTERVAL_MS;
    for (const [index, node] of this.nodes.entries())
      node.sight = seen(node.sight, outcomes[index] ?? "silent", this.nowMs);
    for (const { worker, exclude } of decide(this.views(), this.nowMs)) {
      const node = this.nodes[Number(worker)] as Node;
      if (node.marks?.excluded && !node.marks.ours) this.wrongs.push("a person's exclusion was touched");
      if (node.sight.life !== (exclude ? "dead" : "up")) this.wrongs.push("life and death were mixed up");
      if (!lost.includes(Number(worker))) node.marks = { excluded: exclude, ours: exclude };
    }
  }

  views(): readonly WorkerView[] {
    return this.nodes.map(({ sight, marks }, index) => ({ name: String(index), sight, marks }));
  }

  /** Whether nobody may announce though somebody could. */
  isDeserted(): boolean {
    const judged = this.nodes.every(({ sight }) => sight.life !== "unknown");
    const able = this.living().filter(({ marks }) => !marks?.excluded || marks.ours);
    return judged && able.length > 0 && able.every(({ marks }) => marks?.excluded);
  }

  living(): readonly Node[] {
    return this.nodes.filter(({ sight, marks }) => sight.life === "up" && marks);
  }
}

const outcome = fc.constantFrom<Outcome>("answers", "refuses", "silent");
const phase = fc.record({
  outcomes: fc.array(outcome, { minLength: 5, maxLength: 5 }),
  noise: fc.array(fc.tuple(fc.nat(4), outcome), { maxLength: 3 }),
  person: fc.option(fc.tuple(fc.nat(4), fc.boolean())),
  lost: fc.array(fc.nat(4), { maxLength: 3 }),
  rounds: fc.integer({ min: 1, max: 80 }),
});

describe("the watchdog's decision", () => {
  it("keeps one who lives, spares what people say, and ends where everything is stable", () => {
    let excluded = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.array(phase, { minLength: 1, maxLength: 6 }),
        fc.array(fc.constantFrom<Outcome>("answers", "silent"), { minLength: 5, maxLength: 5 }),
        (count, phases, last) => {
          const site = new Site(count);
          for (const { outcomes, noise, person, lost, rounds } of phases) {
            const touched = person && site.nodes[person[0]];
            if (touched) touched.marks = { excluded: person[1], ours: false };
            for (let round = 0; round < rounds; round += 1) {
              const now = [...outcomes];
              for (const [index, other] of noise) if (round % 7 === index) now[index] = other;
              site.round(now, lost);
              if (lost.length > 0) continue;
              expect(site.isDeserted()).toBe(false);
            }
          }
          for (let ms = 0; ms <= RETURN_MS + 500; ms += PROBE_INTERVAL_MS) site.round(last);
          expect(site.wrongs).toEqual([]);
          const carried = site.living().some(({ marks }) => !marks?.excluded);
          const dead = carried ? site.nodes.filter(({ sight }) => sight.life === "dead") : [];
          expect(site.living().filter(({ marks }) => marks?.ours)).toEqual([]);
          expect(dead.filter(({ marks }) => !marks?.excluded)).toEqual([]);
          excluded += site.nodes.filter(({ marks }) => marks?.ours).length;
        },
      ),
      { numRuns: 500 },
    );
    expect(excluded).toBeGreaterThan(100);
  });
});
