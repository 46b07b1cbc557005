/** ReplicaSchedulingPreference: how many replicas of a FederatedDeployment or FederatedReplicaSet run where. */
import type { KubeObject } from "#ports/kube.ts";
import { type Definition, definition } from "./definition.ts";
import { SCHEDULING_GROUP } from "./names.ts";
import { flag, map, object, oneOf, ruled, type Schema } from "./schema.ts";

export interface ClusterPreferences {
  readonly minReplicas?: number;
  /** Missing: no limit. */
  readonly maxReplicas?: number;
  readonly weight?: number;
}

export interface PreferenceSpec {
  readonly targetKind: "FederatedDeployment" | "FederatedReplicaSet";
  readonly totalReplicas: number;
  /** Whether running replicas may be moved to come nearer to the preferences. */
  readonly rebalance?: boolean;
  readonly intersectWithClusterSelector?: boolean;
  /** `*` stands for every cluster that is not named. */
  readonly clusters?: Readonly<Record<string, ClusterPreferences>>;
}

export interface ReplicaSchedulingPreference extends KubeObject {
  readonly spec: PreferenceSpec;
}

const amount: Schema = { type: "integer", format: "int64", minimum: 0 };

const preferences = ruled(object({ minReplicas: amount, maxReplicas: amount, weight: amount }), {
  rule: "!has(self.maxReplicas) || !has(self.minReplicas) || self.minReplicas <= self.maxReplicas",
  message: "minReplicas must not exceed maxReplicas",
});

export function preferenceDefinition(): Definition {
  return definition({
    group: SCHEDULING_GROUP,
    version: "v1alpha1",
    kind: "ReplicaSchedulingPreference",
    plural: "replicaschedulingpreferences",
    scope: "Namespaced",
    shortNames: ["rsp"],
    description: "How many replicas of the federated resource of the same name run in which cluster.",
    spec: object(
      {
        targetKind: oneOf("FederatedDeployment", "FederatedReplicaSet"),
        totalReplicas: { type: "integer", format: "int32", minimum: 0 },
        rebalance: flag,
        intersectWithClusterSelector: flag,
        clusters: map(preferences, 500),
      },
      ["targetKind", "totalReplicas"],
    ),
    status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
  });
}
