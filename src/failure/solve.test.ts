import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makePlan } from "#plan/make.ts";
import { PanopticonError } from "#base/errors.ts";
import { anyFederation } from "./test/federations.ts";
import { buildGraph } from "./build.ts";
import { componentsOf, type FaultGraph, isGate, type Promised } from "./graph.ts";
import { solve, unavailabilityOf } from "./solve.ts";
import {
  choices,
  cutsByTrying,
  fastBreaks,
  graphOf,
  nameOf,
  unavailabilityByTrying,
} from "./test/brute-force.ts";

/** The promise of a graph made by hand. */
function only(graph: FaultGraph): Promised {
  const [promised] = graph.promises;
  if (!promised) throw new Error("the graph promises nothing");
  return promised;
}

function cutNames(graph: FaultGraph, promised: Promised, order: number): readonly string[] {
  return solve(graph)
    .cuts(promised, order)
    .map(({ components }) => nameOf(components.map(({ id }) => id)))
    .toSorted();
}

describe("known results", () => {
  it("2 of 3 votes: the three pairs, and 3q² - 2q³", () => {
    const q = 0.1;
    const graph = graphOf(
      [
        { id: "a", q },
        { id: "b", q },
        { id: "c", q },
      ],
      [{ k: 2, inputs: [0, 1, 2] }],
    );
    expect(cutNames(graph, only(graph), 3)).toEqual(["a+b", "a+c", "b+c"]);
    expect(solve(graph).unavailability(only(graph))).toBeCloseTo(3 * q ** 2 - 2 * q ** 3, 15);
  });

  it("a bridge network: two pairs and two triples; 1 - R, R = 2p² + 2p³ - 5p⁴ + 2p⁵", () => {
    const q = 0.2;
    const p = 1 - q;
    // From s to t: a then d, b then e, and c between the middles. Paths: ad, be, ace, bcd.
    const edges = ["a", "b", "c", "d", "e"].map((id) => ({ id, q }));
    const graph = graphOf(edges, [
      { k: 1, inputs: [0, 3] },
      { k: 1, inputs: [1, 4] },
      { k: 1, inputs: [0, 2, 4] },
      { k: 1, inputs: [1, 2, 3] },
      { k: 4, inputs: [5, 6, 7, 8] },
    ]);
    expect(cutNames(graph, only(graph), 3)).toEqual(["a+b", "a+c+e", "b+c+d", "d+e"]);
    const reliability = 2 * p ** 2 + 2 * p ** 3 - 5 * p ** 4 + 2 * p ** 5;
    expect(solve(graph).unavailability(only(graph))).toBeCloseTo(1 - reliability, 14);
  });

  it("the pressure tank of the Fault Tree Handbook (NUREG-0492): tank, K2, and the switch S with S1, K1 or R", () => {
    const graph = graphOf(
      ["tank", "K2", "S", "S1", "K1", "R"].map((id) => ({ id })),
      [
        { k: 1, inputs: [4, 5] }, // K1 stays closed: itself, or the timer relay R
        { k: 1, inputs: [3, 6] }, // the circuit of K2's coil stays closed
        { k: 2, inputs: [2, 7] }, // and the pressure switch does not open
        { k: 1, inputs: [1, 8] },
        { k: 1, inputs: [0, 9] },
      ],
    );
    expect(cutNames(graph, only(graph), 3)).toEqual(["K1+S", "K2", "R+S", "S+S1", "tank"]);
  });

  it("a shared cause: two of three each with 5 % in common cost 17 times the independent failures", () => {
    // knowledge: A = 0.999, β = 0.05 costs 5e-5 where independent failures cost 3e-6.
    const [q, beta] = [0.001, 0.05];
    const alone = (1 - beta) * q;
    const graph = graphOf(
      [
        { id: "shared", q: beta * q },
        { id: "a", q: alone },
        { id: "b", q: alone },
        { id: "c", q: alone },
      ],
      [
        { k: 1, inputs: [0, 1] },
        { k: 1, inputs: [0, 2] },
        { k: 1, inputs: [0, 3] },
        { k: 2, inputs: [4, 5, 6] },
      ],
    );
    const votes = 3 * alone ** 2 - 2 * alone ** 3;
    const exact = beta * q + (1 - beta * q) * votes;
    expect(solve(graph).unavailability(only(graph))).toBeCloseTo(exact, 16);
    expect(exact / (3 * q ** 2)).toBeGreaterThan(17);
  });

  it("a series fails as often as its parts together, a pair when the second fails while the first is down", () => {
    const q = 0.01; // in the unit of the sum of both times, so one failure per hour
    const series = graphOf(
      [
        { id: "a", q },
        { id: "b", q },
      ],
      [{ k: 1, inputs: [0, 1] }],
    );
    const pair = graphOf(
      [
        { id: "a", q },
        { id: "b", q },
      ],
      [{ k: 2, inputs: [0, 1] }],
    );
    expect(solve(series).outagesPerYear(only(series))).toBeCloseTo(2 * (1 - q) * 8760, 6);
    expect(solve(pair).outagesPerYear(only(pair))).toBeCloseTo(2 * q * 8760, 6);
  });
});

/** Graphs of up to nine components and eight gates, with shared inputs, gates that never fail and that always have. */
const anyGraph = fc
  .record({ components: fc.integer({ min: 1, max: 9 }), gates: fc.integer({ min: 1, max: 8 }) })
  .chain(({ components, gates }) =>
    fc.record({
      components: fc.array(fc.double({ min: 0.001, max: 0.5, noNaN: true }), {
        minLength: components,
        maxLength: components,
      }),
      gates: fc.tuple(
        ...Array.from({ length: gates }, (_, gate) =>
          fc
            .uniqueArray(fc.nat(components + gate - 1), { maxLength: 5 })
            .chain((inputs) => fc.record({ inputs: fc.constant(inputs), k: fc.nat(inputs.length + 1) })),
        ),
      ),
    }),
  )
  .map(({ components, gates }) =>
    graphOf(
      components.map((q, index) => ({ id: `c${index}`, q })),
      gates,
    ),
  );

describe("against an oracle that tries everything", () => {
  it("cut sets of random graphs are complete and minimal, and availability is exact", () => {
    fc.assert(
      fc.property(anyGraph, (graph) => {
        const promised = only(graph);
        expect(cutNames(graph, promised, 3)).toEqual(cutsByTrying(graph, promised, 3));
        const exact = unavailabilityByTrying(graph, promised, unavailabilityOf);
        expect(solve(graph).unavailability(promised)).toBeCloseTo(exact, 12);
      }),
      { numRuns: 2000 },
    );
  }, 120_000);

  it("so are those of every promise of random plans: all pairs are tried, and triples of what is left", async () => {
    await fc.assert(
      fc.asyncProperty(anyFederation, fc.nat(), async (file, seed) => {
        const plan = await makePlan(file).catch((error: unknown) => {
          if (error instanceof PanopticonError) return undefined;
          throw error;
        });
        fc.pre(plan !== undefined);
        const graph = buildGraph(file.federation, plan);
        const promised = graph.promises[seed % graph.promises.length];
        expect(promised && difference(graph, promised)).toEqual([]);
      }),
      { numRuns: 400 },
    );
  }, 120_000);
});

/** Cut sets that only the proof or only the oracle has: all pairs are tried, and all triples of plans small enough. */
function difference(graph: FaultGraph, promised: Promised): readonly string[] {
  const numbers = graph.nodes.flatMap((node, index) => (isGate(node) ? [] : [index]));
  const order = numbers.length <= 40 ? 3 : 2;
  const breaks = fastBreaks(graph, promised);
  const ids = new Map(numbers.map((number, index) => [number, componentsOf(graph)[index]?.id ?? ""]));
  const tried = new Set<string>();
  for (let size = 0; size <= order; size++) {
    for (const chosen of choices(numbers, size)) {
      const minimal = () => chosen.every((one) => !breaks(chosen.filter((other) => other !== one)));
      if (breaks(chosen) && minimal()) tried.add(nameOf(chosen.map((number) => ids.get(number) ?? "")));
    }
  }
  return [...new Set(cutNames(graph, promised, order)).symmetricDifference(tried)];
}
