/** What the hub has of services: federated resources that carry their labels. */
import { wrongUse } from "#base/errors.ts";
import { CLUSTERS, DEFINITIONS, PREFERENCES } from "#control/federation/agent/resources.ts";
import { readyIn } from "#control/federation/agent/readiness-controller.ts";
import { DEFAULT_TYPES } from "#control/federation/api/default-types.ts";
import { federatedTypeFor, type TargetType } from "#control/federation/api/enable.ts";
import type { FederatedResource } from "#control/federation/api/federated.ts";
import type { ReplicaSchedulingPreference } from "#control/federation/api/preference.ts";
import { type FederatedTypeConfig, qualifiedName, resourceOf } from "#control/federation/api/type-config.ts";
import type { Cluster } from "#control/federation/place/placement.ts";
import { isWorkload, type Part } from "#lifecycle/service/part.ts";
import { type Kube, KubeError, type Resource } from "#ports/kube.ts";
import { MANAGED_BY, MANAGED_BY_LABEL, NAME_LABEL } from "#render/service/manifest.ts";
import { crownOf } from "./federation.ts";

/** For panels alone: federated when the first service has some, where the hub knows it. */
const PANEL_TYPE: TargetType = {
  group: "gateway.networking.k8s.io",
  version: "v1",
  kind: "HTTPRoute",
  plural: "httproutes",
  namespaced: true,
};

/** Kinds that services are made of, by the names of their type configs. ConfigMaps are of earlier versions. */
const SERVICE_TYPES: readonly TargetType[] = [
  ...DEFAULT_TYPES.filter(({ kind }) =>
    [
      "Namespace",
      "ServiceAccount",
      "NetworkPolicy",
      "ConfigMap",
      "Service",
      "Ingress",
      "PodDisruptionBudget",
      "Deployment",
      "StatefulSet",
    ].includes(kind),
  ),
  PANEL_TYPE,
];

/**
 * Refuses an API that is not the hub: a member has copies of what the hub has,
 * and no services. Errors (exit 2): FEDERATION_NONE, SERVICE_NOT_HUB.
 * @param context of the kubeconfig, by custom named as the site
 */
export async function requireHub(kube: Kube, context: string): Promise<void> {
  const { spec } = await crownOf(kube);
  if (spec.holder === context || !spec.sites.some(({ name }) => name === context)) return;
  throw wrongUse(
    "SERVICE_NOT_HUB",
    `${context} is not the hub: the crown is at ${spec.holder}`,
    `Name the hub: --context ${spec.holder}`,
  );
}

/** A site, and whether its agent is heard. */
export interface KnownSite extends Cluster {
  readonly ready: boolean;
}

export async function knownSites(hub: Kube): Promise<readonly KnownSite[]> {
  const { items } = await hub.list({ resource: CLUSTERS });
  return items.map((one) => ({
    name: one.metadata?.name ?? "",
    labels: one.metadata?.labels ?? {},
    ready: readyIn(one) === true,
  }));
}

/** The type config as `federate enable` makes it, of a kind that services are made of. */
export function ownTypeConfig(kind: string): FederatedTypeConfig | undefined {
  const target = SERVICE_TYPES.find((one) => one.kind === kind);
  return target && federatedTypeFor(target).typeConfig;
}

/** As `federate enable` takes it. */
export function typeName({ spec: { targetType } }: FederatedTypeConfig): string {
  return qualifiedName(targetType.pluralName, targetType.group);
}

/** Whether the hub has routes of the kind that panels need. */
export async function knowsPanels(hub: Kube): Promise<boolean> {
  const { group, version, plural } = PANEL_TYPE;
  const found = await hub.find({
    resource: DEFINITIONS,
    name: qualifiedName(plural, group),
  });
  return found?.spec.versions.some((one) => one.name === version && one.served) === true;
}

/** Every part of every service, or of one, in any namespace; kinds that are not federated have none. */
export async function ownParts(hub: Kube, name?: string): Promise<readonly Part[]> {
  const own = `${MANAGED_BY_LABEL}=${MANAGED_BY},${NAME_LABEL}${name === undefined ? "" : `=${name}`}`;
  const found = await Promise.all(SERVICE_TYPES.map((type) => partsOf(hub, type, own)));
  return found.flat();
}

/** Everything federated in a namespace, of the kinds that services are made of and of Secrets. */
export async function partsIn(hub: Kube, namespace: string): Promise<readonly Part[]> {
  const types = [...DEFAULT_TYPES, PANEL_TYPE].filter(({ kind }) => kind !== "Namespace");
  const found = await Promise.all(types.map((type) => partsOf(hub, type, undefined, namespace)));
  return found.flat();
}

async function partsOf(
  hub: Kube,
  type: TargetType,
  labelSelector: string | undefined,
  namespace?: string,
): Promise<readonly Part[]> {
  const { federatedType } = federatedTypeFor(type).typeConfig.spec;
  const resource = resourceOf(federatedType) as Resource<FederatedResource>;
  const from = { resource, ...(namespace !== undefined && { namespace }) };
  const items = await listed(() => hub.list(from, { ...(labelSelector !== undefined && { labelSelector }) }));
  const { group = "", version, kind } = federatedType;
  return items.map((item) => {
    const { name = "", namespace: place = "" } = item.metadata ?? {};
    // Lists leave out what every item would repeat.
    const whole = { ...item, apiVersion: `${group}/${version}`, kind };
    return { ref: { resource, namespace: place, name }, resource: whole };
  });
}

export async function ownPreferences(
  hub: Kube,
  name: string,
): Promise<readonly ReplicaSchedulingPreference[]> {
  const labelSelector = `${MANAGED_BY_LABEL}=${MANAGED_BY},${NAME_LABEL}=${name}`;
  return listed(() => hub.list({ resource: PREFERENCES }, { labelSelector }));
}

/** A kind that the hub does not serve has no objects. */
async function listed<T>(list: () => Promise<{ readonly items: readonly T[] }>): Promise<readonly T[]> {
  try {
    return (await list()).items;
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return [];
    throw error;
  }
}

/** Whether `service deploy` made it. */
export function isOwn({ metadata }: FederatedResource): boolean {
  return metadata?.labels?.[MANAGED_BY_LABEL] === MANAGED_BY;
}

/** What runs the pods of each service, by the service's name. */
export function byService(parts: readonly Part[]): ReadonlyMap<string, readonly Part[]> {
  const named = parts.filter(({ resource }) => resource.metadata?.labels?.[NAME_LABEL] !== undefined);
  return Map.groupBy(named, ({ resource }) => resource.metadata?.labels?.[NAME_LABEL] ?? "");
}

export function workloadOf(parts: readonly Part[]): Part | undefined {
  return parts.find(isWorkload);
}
