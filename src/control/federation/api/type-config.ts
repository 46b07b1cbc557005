/** FederatedTypeConfig: which type is federated, and by which Federated<Kind>. */
import type { KubeObject, Resource } from "#ports/kube.ts";
import { type Definition, definition } from "./definition.ts";
import { CORE_GROUP } from "./names.ts";
import { count, object, oneOf, type Schema } from "./schema.ts";

export interface ApiResource {
  /** Missing for the core group. */
  readonly group?: string;
  readonly version: string;
  readonly kind: string;
  readonly pluralName: string;
  readonly scope: "Namespaced" | "Cluster";
}

export interface FederatedTypeConfig extends KubeObject {
  readonly spec: {
    readonly targetType: ApiResource;
    readonly federatedType: ApiResource;
    readonly propagation: "Enabled" | "Disabled";
    readonly statusType?: ApiResource;
    readonly statusCollection?: "Enabled" | "Disabled";
  };
  readonly status?: {
    readonly observedGeneration: number;
    /** `kubefedctl disable` waits until this says NotRunning. */
    readonly propagationController: "Running" | "NotRunning";
    readonly statusController?: "Running" | "NotRunning";
  };
}

/** How the API's paths name a type. */
export function resourceOf(type: ApiResource): Resource {
  return { group: type.group ?? "", version: type.version, plural: type.pluralName };
}

/** `plural` or `plural.group`: the name of a FederatedTypeConfig. */
export function qualifiedName(plural: string, group: string | undefined): string {
  return group ? `${plural}.${group}` : plural;
}

const word: Schema = { type: "string", pattern: "^[a-z]([-a-z0-9]*[a-z0-9])?$", maxLength: 63 };
const kind: Schema = { type: "string", pattern: "^[A-Za-z]([-A-Za-z0-9]*[A-Za-z0-9])?$", maxLength: 63 };
const group: Schema = { type: "string", pattern: "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", maxLength: 253 };
const ownGroup: Schema = {
  ...group,
  pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$",
};
const running = oneOf("Running", "NotRunning");

function apiResource(groups: Schema, required: readonly string[]): Schema {
  const scope = oneOf("Namespaced", "Cluster");
  return object({ group: groups, version: word, kind, pluralName: word, scope }, [
    ...required,
    "kind",
    "pluralName",
    "scope",
    "version",
  ]);
}

export function typeConfigDefinition(): Definition {
  return definition({
    group: CORE_GROUP,
    version: "v1beta1",
    kind: "FederatedTypeConfig",
    plural: "federatedtypeconfigs",
    scope: "Namespaced",
    shortNames: ["ftc"],
    description: "A type that is federated, and the type that federates it.",
    rules: [
      {
        rule: "self.metadata.name == self.spec.targetType.pluralName + (has(self.spec.targetType.group) && self.spec.targetType.group != '' ? '.' + self.spec.targetType.group : '')",
        message: "the name must be TARGET_PLURAL(.TARGET_GROUP), such as deployments.apps",
      },
    ],
    spec: object(
      {
        targetType: apiResource({ ...group, pattern: `${group.pattern}|^$` }, []),
        federatedType: apiResource(ownGroup, ["group"]),
        propagation: oneOf("Enabled", "Disabled"),
        statusType: apiResource(ownGroup, []),
        statusCollection: oneOf("Enabled", "Disabled"),
      },
      ["federatedType", "propagation", "targetType"],
    ),
    status: object({ observedGeneration: count, propagationController: running, statusController: running }, [
      "observedGeneration",
      "propagationController",
    ]),
  });
}
