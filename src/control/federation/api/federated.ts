/** Federated<Kind>: a template, where it goes, what differs there, and how it went. */
import type { KubeObject } from "#ports/kube.ts";
import type { Json, JsonObject } from "../json.ts";
import { type Definition, definition } from "./definition.ts";
import type { ApiResource } from "./type-config.ts";
import {
  anything,
  count,
  flag,
  keyed,
  list,
  map,
  name,
  object,
  oneOf,
  ruled,
  type Schema,
  text,
  time,
} from "./schema.ts";

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

export interface Placement {
  /** A list, even an empty one, wins over the selector. */
  readonly clusters?: readonly { readonly name: string }[] | null;
  /** Missing selects nothing, empty selects everything. */
  readonly clusterSelector?: LabelSelector | null;
}

export interface ClusterOverride {
  readonly op?: string;
  /** JSON pointer into the object as it goes to the cluster. */
  readonly path: string;
  readonly value?: Json;
}

export interface Override {
  readonly clusterName: string;
  readonly clusterOverrides?: readonly ClusterOverride[];
}

export interface ClusterStatus {
  readonly name: string;
  /** Empty or missing where all is well; else one of kubefed's words. */
  readonly status?: string;
  /** The status of the object at the cluster, where the type config asks for it. */
  readonly remoteStatus?: JsonObject;
  /** Ours: the generation of the object at the cluster, to tell whether its status is about what it is by now. */
  readonly remoteGeneration?: number;
  /** Ours: what is wrong, in a sentence. */
  readonly message?: string;
  /** Ours: the generation of the federated resource that this cluster has. */
  readonly observedGeneration?: number;
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastUpdateTime?: string;
  readonly lastTransitionTime?: string;
}

export interface FederatedStatus {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
  readonly clusters?: readonly ClusterStatus[];
}

export interface FederatedResource extends KubeObject {
  readonly spec?: {
    readonly template?: JsonObject;
    readonly placement?: Placement;
    readonly overrides?: readonly Override[];
    readonly retainReplicas?: boolean;
  };
  readonly status?: FederatedStatus;
}

const requirement = ruled(
  object(
    {
      key: { type: "string", minLength: 1, maxLength: 317 },
      operator: oneOf("In", "NotIn", "Exists", "DoesNotExist"),
      values: list(text, 1000),
    },
    ["key", "operator"],
  ),
  {
    rule: "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : !has(self.values) || size(self.values) == 0",
    message: "In and NotIn need values; Exists and DoesNotExist take none",
  },
);

const placement = object({
  clusters: { ...list(object({ name }, ["name"])), nullable: true },
  clusterSelector: {
    ...object({ matchExpressions: list(requirement, 100), matchLabels: map(text) }),
    nullable: true,
  },
});

/** What names an object can't differ from site to site: by it the copies are found again. */
export const FIXED_PATHS: readonly string[] = [
  "/metadata/namespace",
  "/metadata/name",
  "/metadata/generateName",
  "/kind",
];

const clusterOverride = object(
  {
    op: { type: "string", pattern: "^(add|remove|replace)?$" },
    path: ruled(
      { type: "string", pattern: "^/", maxLength: 4096 },
      {
        rule: `!(self in [${FIXED_PATHS.map((path) => `'${path}'`).join(", ")}])`,
        message: "the name, namespace and kind of an object can't be overridden",
      },
    ),
    value: { "x-kubernetes-preserve-unknown-fields": true },
  },
  ["path"],
);

const override = object({ clusterName: name, clusterOverrides: keyed("path", clusterOverride, 250) }, [
  "clusterName",
]);

const condition = object(
  { type: text, status: text, reason: text, message: text, lastUpdateTime: time, lastTransitionTime: time },
  ["type", "status"],
);

const clusterStatus = object(
  {
    name,
    status: text,
    remoteStatus: anything,
    remoteGeneration: count,
    message: text,
    observedGeneration: count,
  },
  ["name"],
);

/** Each site's agent owns its own entry, hence the keyed list. */
export const federatedStatus: Schema = object({
  observedGeneration: count,
  conditions: keyed("type", condition),
  clusters: keyed("name", clusterStatus),
});

/** @param scalable whether the target has `spec.replicas`, which an autoscaler may own. */
export function federatedDefinition(
  federated: ApiResource & { readonly group: string },
  scalable: boolean,
  shortNames: readonly string[],
): Definition {
  return definition({
    group: federated.group,
    version: federated.version,
    kind: federated.kind,
    plural: federated.pluralName,
    scope: federated.scope,
    shortNames,
    description: `${federated.kind.replace(/^Federated/, "")} objects at the clusters of the federation.`,
    columns: [
      { name: "propagated", type: "string", jsonPath: ".status.conditions[?(@.type=='Propagation')].status" },
      { name: "reason", type: "string", jsonPath: ".status.conditions[?(@.type=='Propagation')].reason" },
      { name: "age", type: "date", jsonPath: ".metadata.creationTimestamp" },
    ],
    spec: object({
      template: anything,
      placement,
      overrides: keyed("clusterName", override, 500),
      ...(scalable && { retainReplicas: flag }),
    }),
    status: federatedStatus,
  });
}
