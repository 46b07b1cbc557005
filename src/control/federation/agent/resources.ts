/** The resources that the agent works on, as the API's paths name them. */
import type { KubeObject, Resource } from "#ports/kube.ts";
import type { KubeFedCluster } from "../api/cluster.ts";
import type { KubeFedConfig } from "../api/config.ts";
import type { Conflict } from "../api/conflict.ts";
import type { Crown } from "../api/crown.ts";
import type { Definition } from "../api/definition.ts";
import type { DeleteBrake } from "../api/delete-brake.ts";
import type { Mirror, ObjectKey } from "../api/mirror.ts";
import { CORE_GROUP, FEDERATION_GROUP, SCHEDULING_GROUP } from "../api/names.ts";
import type { ReplicaSchedulingPreference } from "../api/preference.ts";
import type { SiteAccess } from "../api/site-access.ts";
import type { SiteReport } from "../api/site-report.ts";
import type { SiteRequest } from "../api/site-request.ts";
import type { View } from "../api/view.ts";
import { type FederatedTypeConfig, qualifiedName } from "../api/type-config.ts";

export const MIRRORS: Resource<Mirror> = { group: FEDERATION_GROUP, version: "v1", plural: "mirrors" };
export const CROWNS: Resource<Crown> = { group: FEDERATION_GROUP, version: "v1", plural: "crowns" };
export const CONFLICTS: Resource<Conflict> = { group: FEDERATION_GROUP, version: "v1", plural: "conflicts" };
export const BRAKES: Resource<DeleteBrake> = {
  group: FEDERATION_GROUP,
  version: "v1",
  plural: "deletebrakes",
};
export const SITE_ACCESSES: Resource<SiteAccess> = {
  group: FEDERATION_GROUP,
  version: "v1",
  plural: "siteaccesses",
};
export const SITE_REPORTS: Resource<SiteReport> = {
  group: FEDERATION_GROUP,
  version: "v1",
  plural: "sitereports",
};
export const SITE_REQUESTS: Resource<SiteRequest> = {
  group: FEDERATION_GROUP,
  version: "v1",
  plural: "siterequests",
};
export const VIEWS: Resource<View> = { group: FEDERATION_GROUP, version: "v1", plural: "views" };
export const TYPE_CONFIGS: Resource<FederatedTypeConfig> = {
  group: CORE_GROUP,
  version: "v1beta1",
  plural: "federatedtypeconfigs",
};
export const CLUSTERS: Resource<KubeFedCluster> = {
  group: CORE_GROUP,
  version: "v1beta1",
  plural: "kubefedclusters",
};
export const CONFIGS: Resource<KubeFedConfig> = {
  group: CORE_GROUP,
  version: "v1beta1",
  plural: "kubefedconfigs",
};
export const PREFERENCES: Resource<ReplicaSchedulingPreference> = {
  group: SCHEDULING_GROUP,
  version: "v1alpha1",
  plural: "replicaschedulingpreferences",
};
export const DEFINITIONS: Resource<Definition> = {
  group: "apiextensions.k8s.io",
  version: "v1",
  plural: "customresourcedefinitions",
};
export const ACCOUNTS: Resource = { group: "", version: "v1", plural: "serviceaccounts" };
export const SECRETS: Resource<KubeObject & { readonly data?: Readonly<Record<string, string>> }> = {
  group: "",
  version: "v1",
  plural: "secrets",
};
export const NAMESPACES: Resource = { group: "", version: "v1", plural: "namespaces" };
export const LEASES: Resource<KubeObject & { readonly spec?: LeaseSpec }> = {
  group: "coordination.k8s.io",
  version: "v1",
  plural: "leases",
};

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly renewTime?: string;
}

/** A kind of the hub's objects that sites mirror. */
export type MirroredKind = Pick<ObjectKey, "group" | "version" | "kind" | "plural">;

/** What is mirrored of every federation, beside the federated resources themselves. */
export const FIXED_KINDS: readonly MirroredKind[] = [
  { group: CORE_GROUP, version: "v1beta1", kind: "FederatedTypeConfig", plural: "federatedtypeconfigs" },
  { group: CORE_GROUP, version: "v1beta1", kind: "KubeFedCluster", plural: "kubefedclusters" },
  { group: CORE_GROUP, version: "v1beta1", kind: "KubeFedConfig", plural: "kubefedconfigs" },
  {
    group: SCHEDULING_GROUP,
    version: "v1alpha1",
    kind: "ReplicaSchedulingPreference",
    plural: "replicaschedulingpreferences",
  },
  { group: FEDERATION_GROUP, version: "v1", kind: "SiteAccess", plural: "siteaccesses" },
];

/** The kind that federates a type. */
export function federatedKindOf({ spec: { federatedType } }: FederatedTypeConfig): MirroredKind {
  const { group = "", version, kind, pluralName } = federatedType;
  return { group, version, kind, plural: pluralName };
}

/** `plural.group`, by which work and checkpoints are grouped. */
export function kindName({ plural, group }: Pick<MirroredKind, "plural" | "group">): string {
  return qualifiedName(plural, group);
}

/** Of an object's key in a cache. */
export function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf("/");
  return slash < 0
    ? { namespace: "", name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** Which object it is, of a kind and a key in its cache; of the kind no more than names it. */
export function objectKeyOf({ group, version, kind, plural }: MirroredKind, key: string): ObjectKey {
  return { group, version, kind, plural, ...splitKey(key) };
}

/** A key as caches have it. */
export function joinKey({ namespace, name }: Pick<ObjectKey, "namespace" | "name">): string {
  return namespace === "" ? name : `${namespace}/${name}`;
}
