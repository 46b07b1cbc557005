/**
 * What is found wanting in a plan, and what would remove it. A finding about a
 * single component comes from the minimal cut sets, so it is true of the graph;
 * the others are about what the file leaves out.
 */
import type { Federation } from "#model/federation.ts";
import type { Plan } from "#plan/plan.ts";
import { federationFindings, siteFindings } from "./finding-gaps.ts";
import { singleFinding } from "./finding-singles.ts";
import type { Finding, Severity } from "./proof.ts";
import type { FaultSpread } from "./spread.ts";
import type { Single } from "./singles.ts";

/** Findings, the gravest first, then in the order of the plan. */
export function findFindings(
  federation: Federation,
  plan: Plan,
  spread: FaultSpread,
  singles: readonly Single[],
): readonly Finding[] {
  const found = [
    ...singles.flatMap((single) => singleFinding(federation, plan, spread, single)),
    ...federation.sites.flatMap((site) => siteFindings(site, plan)),
    ...federationFindings(federation, plan, spread.graph),
  ];
  const rank: Readonly<Record<Severity, number>> = { critical: 0, warning: 1, note: 2 };
  return found.toSorted((one, other) => rank[one.severity] - rank[other.severity]);
}
