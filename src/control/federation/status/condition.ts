/** A federated resource's condition from what its clusters say. */
import type { ClusterStatus, Condition, FederatedResource } from "../api/federated.ts";
import { type Cluster, selects } from "../place/placement.ts";
import type { AggregateReason } from "./words.ts";

export interface Judged {
  readonly reason: AggregateReason;
  /** In a sentence; empty where all is well. */
  readonly message: string;
  /** Nothing has failed so far, and clusters that can answer have not answered yet. */
  readonly waiting: boolean;
}

export interface JudgeInput {
  readonly resource: FederatedResource;
  readonly namespaced: boolean;
  readonly namespace: FederatedResource | undefined;
  readonly clusters: readonly (Cluster & { readonly ready: boolean })[];
}

/** Looks at the resource and at every cluster it selects; entries of clusters it does not select must be empty. */
export function judge({ resource, namespaced, namespace, clusters }: JudgeInput): Judged {
  if (namespaced && !namespace)
    return {
      reason: "NamespaceNotFederated",
      message: `namespace "${resource.metadata?.namespace}" has no FederatedNamespace, so this goes to no cluster`,
      waiting: false,
    };
  const chosen = clusters.map((cluster) =>
    chosenBy(cluster, [resource, ...(namespaced && namespace ? [namespace] : [])]),
  );
  const broken = chosen.find((one) => typeof one === "object");
  if (typeof broken === "object")
    return { reason: "ComputePlacementFailed", message: broken.unplaceable, waiting: false };
  const entries = new Map((resource.status?.clusters ?? []).map((entry) => [entry.name, entry]));
  const wrong = clusters.flatMap((cluster, index) =>
    chosen[index]
      ? unwell(cluster, entries.get(cluster.name), resource)
      : leftover(entries.get(cluster.name)),
  );
  const nowhere = !chosen.some(Boolean) && (resource.spec?.placement?.clusters?.length ?? 1) > 0;
  const message = wrong.map(({ text }) => text).join("; ");
  if (wrong.length > 0)
    return {
      reason: "CheckClusters",
      message,
      waiting: wrong.some(({ kind }) => kind === "late") && !wrong.some(({ kind }) => kind === "failed"),
    };
  return { reason: "", message: nowhere ? "no cluster is selected" : "", waiting: false };
}

function chosenBy(cluster: Cluster, selectors: readonly FederatedResource[]): ReturnType<typeof selects> {
  const answers = selectors.map((one) => selects(one, cluster));
  return answers.find((one) => typeof one === "object") ?? answers.every(Boolean);
}

interface Complaint {
  readonly text: string;
  /** Late is what may be on its way; of a cluster that is away nothing is. */
  readonly kind: "late" | "away" | "failed";
}

function unwell(
  { name, ready }: Cluster & { readonly ready: boolean },
  entry: ClusterStatus | undefined,
  resource: FederatedResource,
): readonly Complaint[] {
  if (!ready) return [{ text: `${name}: ClusterNotReady`, kind: "away" }];
  if (!entry) return [{ text: `${name}: not there yet`, kind: "late" }];
  if (entry.status) return leftover(entry);
  const behind = (entry.observedGeneration ?? 0) < (resource.metadata?.generation ?? 0);
  return behind
    ? [{ text: `${name}: still has generation ${entry.observedGeneration ?? 0}`, kind: "late" }]
    : [];
}

function leftover(entry: ClusterStatus | undefined): readonly Complaint[] {
  if (!entry?.status) return [];
  const { name, status, message } = entry;
  const kind = status === "WaitingForRemoval" && !message ? "late" : "failed";
  return [{ text: `${name}: ${status}${message ? `, ${message}` : ""}`, kind }];
}

/**
 * The Propagation condition; the very same object as before where nothing has
 * to be written. `changed` tells that something reached a cluster since.
 * @param now RFC 3339, whole seconds
 */
export function propagation(
  before: Condition | undefined,
  judged: Pick<Judged, "reason" | "message">,
  changed: boolean,
  now: string,
): Condition {
  const status = judged.reason === "" ? "True" : "False";
  const same = before?.status === status && (before.reason ?? "") === judged.reason;
  if (same && !changed && (before?.message ?? "") === judged.message) return before;
  return {
    type: "Propagation",
    status,
    ...(judged.reason !== "" && { reason: judged.reason }),
    ...(judged.message !== "" && { message: judged.message }),
    lastUpdateTime: now,
    lastTransitionTime: same ? (before?.lastTransitionTime ?? now) : now,
  };
}
