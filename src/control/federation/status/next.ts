/** What a federated resource's status becomes by what its sites tell, and when it is written. */
import type { ClusterStatus, FederatedResource, FederatedStatus } from "../api/federated.ts";
import { type Burst, type Pending, yielding } from "./coalesce.ts";
import { type Judged, propagation } from "./condition.ts";

/**
 * Undefined where the resource's status says all of it already.
 * @param entries the very list of the status where the sites tell nothing new (`mergedEntries`)
 * @param now RFC 3339, whole seconds
 */
export function nextStatus(
  { status, metadata }: FederatedResource,
  entries: readonly ClusterStatus[],
  judged: Pick<Judged, "reason" | "message">,
  now: string,
): FederatedStatus | undefined {
  const conditions = status?.conditions ?? [];
  const before = conditions.find(({ type }) => type === "Propagation");
  const observedGeneration = metadata?.generation ?? 0;
  const anew = (status?.observedGeneration ?? 0) !== observedGeneration;
  const condition = propagation(before, judged, anew, now);
  const told = entries !== (status?.clusters ?? entries) || (!status?.clusters && entries.length > 0);
  if (condition === before && !anew && !told) return undefined;
  const others = conditions.filter(({ type }) => type !== "Propagation");
  return { observedGeneration, conditions: [...others, condition], clusters: entries };
}

/** Something is wrong somewhere: others may be about to say the same. */
const QUIET_MS = 100;
/** What some sites have told is written without the others' word by then. */
const PARTIAL_MS = 1000;
/** So long nothing is said of sites that have not answered yet: mostly they will have. */
const PATIENCE_MS = 3000;
/** Where many wait, each has to wait for its turn at every site. */
const PATIENCE_EACH_MS = 20;
/** Two writes of one resource's status are at least so far apart. */
const APART_MS = 200;

export interface Due {
  /** When it changed first and last since it was written, ms. */
  readonly pending: Omit<Pending, "urgent">;
  /** When it was last written, ms. */
  readonly writtenAt: number | undefined;
  readonly judged: Pick<Judged, "reason" | "waiting">;
  /** Whether some site's entry is another than the status has. */
  readonly told: boolean;
  readonly burst: Burst;
}

/** When a status is to be written, ms: as soon as all sites have told, later where some have not. */
export function statusDueAt({ pending, writtenAt, judged, told, burst }: Due): number {
  const { waiting, reason } = judged;
  const wrong = reason !== "" && !waiting;
  const patience = (told ? PARTIAL_MS : PATIENCE_MS) + burst.size * PATIENCE_EACH_MS;
  const due = pending.last + (waiting ? patience : wrong ? QUIET_MS : 0);
  const apart = writtenAt === undefined ? due : writtenAt + APART_MS;
  return Math.max(apart, yielding(due, { ...pending, urgent: wrong }, burst));
}
