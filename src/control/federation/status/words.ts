/** kubefed's words for how a resource fares: per cluster and in sum. */

export type PropagationStatus =
  | ""
  | "WaitingForRemoval"
  | "ClusterNotReady"
  | "ComputeResourceFailed"
  | "ApplyOverridesFailed"
  | "CreationFailed"
  | "UpdateFailed"
  | "DeletionFailed"
  | "LabelRemovalFailed"
  | "RetrievalFailed"
  | "AlreadyExists"
  | "FieldRetentionFailed"
  | "ManagedLabelFalse"
  | "CreationTimedOut"
  | "UpdateTimedOut"
  | "DeletionTimedOut"
  | "LabelRemovalTimedOut"
  | "ComputePlacementFailed";

export type AggregateReason =
  | ""
  | "CheckClusters"
  | "NamespaceNotFederated"
  | "ComputePlacementFailed"
  | "ClusterRetrievalFailed";

export type Operation = "create" | "update" | "delete" | "release" | "read";

const FAILED: Readonly<Record<Operation, PropagationStatus>> = {
  create: "CreationFailed",
  update: "UpdateFailed",
  delete: "DeletionFailed",
  release: "LabelRemovalFailed",
  read: "RetrievalFailed",
};

const TIMED_OUT: Readonly<Record<Operation, PropagationStatus>> = {
  create: "CreationTimedOut",
  update: "UpdateTimedOut",
  delete: "DeletionTimedOut",
  release: "LabelRemovalTimedOut",
  read: "RetrievalFailed",
};

/** The word for an operation that failed at a cluster. */
export function failureOf(operation: Operation, timedOut = false): PropagationStatus {
  return (timedOut ? TIMED_OUT : FAILED)[operation];
}

/** Whether trying again without any change may help: what only a person can mend is not retried in haste. */
export function isRecoverable(status: PropagationStatus): boolean {
  return (
    [...Object.values(FAILED), ...Object.values(TIMED_OUT)].includes(status) || status === "ClusterNotReady"
  );
}
