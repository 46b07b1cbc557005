/** The failure proof of a planned federation. */
import { wrongUse } from "#base/errors.ts";
import type { Federation } from "#model/federation.ts";
import type { Plan } from "#plan/plan.ts";
import { buildGraph } from "./build.ts";
import { findFindings } from "./findings.ts";
import { proveGoals } from "./goals.ts";
import { componentsOf, type FaultGraph, type Promised, withFailed } from "./graph.ts";
import type { ComponentProof, CutProof, Proof, PromiseProof } from "./proof.ts";
import { rootCauses } from "./singles.ts";
import { FaultSpread } from "./spread.ts";
import { MOST_ORDER, type Solution, solve, unavailabilityOf } from "./solve.ts";

export interface ProveOptions {
  /** The largest cut sets that are looked for, 1 to 3. */
  readonly order: number;
  /** Ids of components that are taken as failed. */
  readonly without: readonly string[];
}

/** How many cut sets of each promise are told one by one; all are counted. */
const MOST_CUTS = 200;

/**
 * Proves what a plan survives. `plan` is the plan of `federation`. Errors:
 * PROOF_UNKNOWN_COMPONENT and PROOF_ORDER (exit 2). Pure: the same plan gives the
 * same proof.
 */
export function prove(federation: Federation, plan: Plan, { order, without }: ProveOptions): Proof {
  if (!Number.isInteger(order) || order < 1 || order > MOST_ORDER)
    throw wrongUse(
      "PROOF_ORDER",
      `cut sets of order ${order} can't be looked for`,
      `give 1 to ${MOST_ORDER}`,
    );
  const graph = withFailed(buildGraph(federation, plan), without);
  const solution = solve(graph);
  const spread = new FaultSpread(graph);
  const alone = brokenAlone(graph, solution);
  const somewhere = graph.promises.find(({ kind }) => kind === "somewhere");
  return {
    federation: federation.name,
    without,
    order,
    components: componentsOf(graph).map((component): ComponentProof => {
      const { id, kind, site } = component;
      const breaks = (alone.get(id) ?? []).map((promised) => promised.id);
      return { id, kind, site, unavailability: unavailabilityOf(component), breaks };
    }),
    promises: graph.promises.map((promised) => provePromise(promised, solution, order)),
    findings: findFindings(federation, plan, spread, rootCauses(spread, alone)),
    goals: proveGoals(federation, spread, {
      alone,
      somewhere: somewhere ? 1 - solution.unavailability(somewhere) : 0,
    }),
  };
}

/** By component, the promises its loss alone breaks. */
function brokenAlone(graph: FaultGraph, solution: Solution): ReadonlyMap<string, readonly Promised[]> {
  const alone = new Map<string, Promised[]>();
  for (const promised of graph.promises) {
    for (const { components } of solution.cuts(promised, 1)) {
      const [only] = components;
      if (only) alone.set(only.id, [...(alone.get(only.id) ?? []), promised]);
    }
  }
  return alone;
}

function provePromise(promised: Promised, solution: Solution, order: number): PromiseProof {
  const { id, kind, site, says } = promised;
  const unavailability = solution.unavailability(promised);
  const counts = solution.counts(promised, order);
  const holds = counts[0] === 0;
  const cuts = solution.cuts(promised, order).map(
    ({ components, probability }): CutProof => ({
      components: components.map((component) => component.id),
      probability,
      share: probability / unavailability,
    }),
  );
  return {
    id,
    kind,
    site,
    says,
    holds,
    availability: 1 - unavailability,
    outagesPerYear: solution.outagesPerYear(promised),
    cutCounts: holds ? counts.slice(1) : [],
    cuts: holds ? mostTelling(cuts) : [],
  };
}

/** Every single component, then those with the largest share. */
function mostTelling(cuts: readonly CutProof[]): readonly CutProof[] {
  const singles = cuts.filter(({ components }) => components.length === 1);
  const others = cuts.filter(({ components }) => components.length > 1);
  const ranked = others.toSorted((one, other) => other.probability - one.probability);
  return [...singles, ...ranked.slice(0, MOST_CUTS)];
}
