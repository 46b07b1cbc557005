/** Federated resources for tests. */
import type { KubeObject } from "#ports/kube.ts";
import { federatedTypeFor, type TargetType } from "../api/enable.ts";
import type { FederatedResource, Placement } from "../api/federated.ts";
import type { ApiResource } from "../api/type-config.ts";
import type { DesiredInput } from "../place/desired.ts";

export const CONFIG_MAP: TargetType = {
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  namespaced: true,
};
export const DEPLOYMENT: TargetType = {
  group: "apps",
  version: "v1",
  kind: "Deployment",
  plural: "deployments",
  namespaced: true,
};

export function typeOf(target: TargetType): ApiResource {
  return federatedTypeFor(target).typeConfig.spec.targetType;
}

export function coreType(kind: string, plural: string, namespaced = true): ApiResource {
  return typeOf({ group: "", version: "v1", kind, plural, namespaced });
}

type Spec = NonNullable<FederatedResource["spec"]>;

export function federated(spec: Spec, metadata: KubeObject["metadata"] = {}): FederatedResource {
  return {
    metadata: { name: "web", namespace: "shop", ...metadata },
    spec: { placement: { clusterSelector: {} }, ...spec },
  };
}

export function federatedNamespace(placement: Placement = { clusterSelector: {} }): FederatedResource {
  return { metadata: { name: "shop", namespace: "shop" }, spec: { placement } };
}

export function input(resource: FederatedResource, change: Partial<DesiredInput> = {}): DesiredInput {
  return {
    cluster: { name: "attic", labels: { tier: "gold" } },
    resource,
    target: typeOf(CONFIG_MAP),
    namespace: federatedNamespace(),
    observed: undefined,
    adopt: true,
    ...change,
  };
}
