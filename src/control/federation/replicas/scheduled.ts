/** A federated resource as its ReplicaSchedulingPreference wants it. */
import type { FederatedResource, Override } from "../api/federated.ts";
import type { PreferenceSpec } from "../api/preference.ts";
import { type Cluster, selects } from "../place/placement.ts";
import type { Replicas } from "./schedule.ts";

const REPLICAS = "/spec/replicas";

/** The clusters that replicas may go to: all that are ready, or those that the resource and its namespace select. */
export function candidates(
  preference: PreferenceSpec,
  resource: FederatedResource,
  namespace: FederatedResource | undefined,
  ready: readonly Cluster[],
): readonly string[] {
  const chosen = ready.filter(
    (cluster) =>
      !preference.intersectWithClusterSelector ||
      (selects(resource, cluster, { selectorOnly: true }) === true &&
        namespace !== undefined &&
        selects(namespace, cluster, { selectorOnly: true }) === true),
  );
  return chosen.map(({ name }) => name);
}

/**
 * The resource placed on the clusters of a schedule, with their replicas as
 * overrides; clusters that are no longer in it lose theirs, other overrides
 * stay. Undefined where it is so already.
 */
export function scheduled(resource: FederatedResource, replicas: Replicas): FederatedResource | undefined {
  const counts = new Map(
    Object.entries(replicas.planned).map(([cluster, count]) => [
      cluster,
      count + (replicas.overflow[cluster] ?? 0),
    ]),
  );
  const before = resource.spec?.overrides ?? [];
  const present = new Set(before.map(({ clusterName }) => clusterName));
  const missing = [...counts.keys()].filter((cluster) => !present.has(cluster)).toSorted();
  const overrides = [...before, ...missing.map((clusterName): Override => ({ clusterName }))]
    .map((override) => withReplicas(override, counts.get(override.clusterName)))
    .filter(({ clusterOverrides }) => clusterOverrides && clusterOverrides.length > 0);
  const clusters = [...counts.keys()].toSorted().map((name) => ({ name }));
  const same = sameNames(resource.spec?.placement?.clusters, clusters);
  if (same && JSON.stringify(overrides) === JSON.stringify(before)) return undefined;
  const placement = {
    ...resource.spec?.placement,
    clusters: same ? resource.spec?.placement?.clusters : clusters,
  };
  return { ...resource, spec: { ...resource.spec, placement, overrides } } as FederatedResource;
}

function withReplicas(override: Override, count: number | undefined): Override {
  const { clusterName, clusterOverrides = [] } = override;
  const held = clusterOverrides.find(({ path }) => path === REPLICAS);
  if (count === undefined)
    return { clusterName, clusterOverrides: clusterOverrides.filter(({ path }) => path !== REPLICAS) };
  if (held?.value === count) return override;
  if (!held)
    return { clusterName, clusterOverrides: [...clusterOverrides, { path: REPLICAS, value: count }] };
  return {
    clusterName,
    clusterOverrides: clusterOverrides.map((one) => (one === held ? { ...one, value: count } : one)),
  };
}

type Names = readonly { readonly name: string }[];

function sameNames(before: Names | null | undefined, after: Names): boolean {
  const names = (before ?? []).map(({ name }) => name).toSorted();
  return before !== null && before !== undefined && names.join() === after.map(({ name }) => name).join();
}
