/** The proof's word beside what was measured. */
import { brokenBy, type FaultGraph, type Promised } from "#failure/graph.ts";
import type { FaultResult, PromiseVerdict } from "#render/reports/drill.ts";

/** Kinds of promises that the probes measure. */
const MEASURED = new Set<Promised["kind"]>(["api", "etcd", "outside"]);

/** What the proof says of the measured promises when these components are lost. */
export function predicted(
  graph: FaultGraph,
  loses: readonly string[],
): readonly Omit<PromiseVerdict, "measured">[] {
  const broken = new Set(brokenBy(graph, loses).map(({ id }) => id));
  return graph.promises
    .filter(({ kind }) => MEASURED.has(kind))
    .map(({ id, says }) => ({ promise: id, says, predicted: broken.has(id) ? "broken" : "holds" }));
}

/** What contradicts the proof or must never be, in sentences. */
export function defectsOf(
  result: Omit<FaultResult, "defects">,
  unhealthy: readonly string[],
): readonly string[] {
  const api = result.verdicts.find(({ promise }) => promise === `api:${result.site}`);
  const { lost, acknowledged } = result.writes;
  return [
    ...result.verdicts
      .filter((verdict) => verdict.predicted !== verdict.measured)
      .map(({ promise, predicted: said }) =>
        said === "holds"
          ? `${promise} was predicted to hold and broke`
          : `${promise} was predicted to break and held`,
      ),
    ...(result.holders.length > 1 ? [`${result.holders.join(" and ")} held the VIP at once`] : []),
    ...(result.holders.length === 0 && api?.predicted === "holds" ? ["nobody held the VIP"] : []),
    ...(lost.length > 0 ? [`${lost.length} of ${acknowledged} acknowledged writes are lost`] : []),
    ...(unhealthy.length > 0 ? [`not healthy again: ${unhealthy.join(", ")}`] : []),
  ];
}
