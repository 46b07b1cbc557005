/** What the loss of each single component does. */
import { type Component, componentsOf, type Promised } from "./graph.ts";
import type { FaultSpread } from "./spread.ts";

/** The loss of one component. */
export interface Single {
  readonly component: Component;
  /** The promises it breaks. */
  readonly breaks: readonly Promised[];
  /** Components whose loss does nothing that this one's does not. */
  readonly hides: readonly string[];
}

/**
 * What each component's loss breaks, as the minimal cut sets of one component
 * say, without the consequences of others: a disk's loss says nothing new where
 * its server's loss does the same and more. A whole site hides nothing, because
 * what can be mended inside it must still be told.
 */
export function rootCauses(
  spread: FaultSpread,
  breaks: ReadonlyMap<string, readonly Promised[]>,
): readonly Single[] {
  const candidates = componentsOf(spread.graph).filter(({ id }) => (breaks.get(id)?.length ?? 0) > 0);
  const bySite = Map.groupBy(candidates, ({ site }) => site);
  const hiddenBy = new Map<string, string>();
  const hides = new Map<string, string[]>();
  for (const cause of candidates) {
    if (cause.kind === "site" || cause.kind === "common-cause" || hiddenBy.has(cause.id)) continue;
    const own = new Set(breaks.get(cause.id));
    const others = (bySite.get(cause.site) ?? []).filter(
      (other) => other !== cause && !hiddenBy.has(other.id) && isPlain(other),
    );
    if (others.length === 0) continue;
    const failed = spread.failedBy([cause.id]);
    for (const other of others) {
      const taken = (spread.parents[spread.numberOf(other.id)] ?? []).every(failed);
      if (!taken || !breaks.get(other.id)?.every((promised) => own.has(promised))) continue;
      hiddenBy.set(other.id, cause.id);
      hides.set(cause.id, [...(hides.get(cause.id) ?? []), other.id]);
    }
  }
  return candidates
    .filter(({ id }) => !hiddenBy.has(id))
    .map((component) => ({
      component,
      breaks: breaks.get(component.id) ?? [],
      hides: hides.get(component.id) ?? [],
    }));
}

function isPlain({ kind }: Component): boolean {
  return kind !== "site" && kind !== "common-cause";
}
