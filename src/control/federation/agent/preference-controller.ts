/** At the hub: spreads the replicas of a federated resource as its ReplicaSchedulingPreference wants it. */
import { keyOf } from "#control/runtime/cache.ts";
import type { Controller, Input } from "#control/runtime/controller.ts";
import type { KubeFedCluster } from "../api/cluster.ts";
import type { FederatedResource } from "../api/federated.ts";
import { SYSTEM_NAMESPACE } from "../api/names.ts";
import type { ReplicaSchedulingPreference } from "../api/preference.ts";
import type { FederatedTypeConfig } from "../api/type-config.ts";
import { at } from "../json.ts";
import { schedule } from "../replicas/schedule.ts";
import { candidates, scheduled } from "../replicas/scheduled.ts";
import { readyIn } from "./readiness-controller.ts";
import { CLUSTERS, federatedKindOf, PREFERENCES, splitKey, TYPE_CONFIGS } from "./resources.ts";
import { openTypeWatch } from "./type-watch.ts";

const GROUP = "preferences";
const NOT_LISTED_YET = { afterSeconds: 0.2 };

export function preferenceController(): Controller {
  const all = { group: "all", key: "preferences" };
  const preferences: Input<ReplicaSchedulingPreference> = {
    cluster: "hub",
    resource: PREFERENCES,
    work: ({ object }) => [{ group: GROUP, key: keyOf(object) }],
  };
  const clusters: Input<KubeFedCluster> = {
    cluster: "hub",
    resource: CLUSTERS,
    namespace: SYSTEM_NAMESPACE,
    work: () => [all],
  };
  const configs: Input<FederatedTypeConfig> = {
    cluster: "hub",
    resource: TYPE_CONFIGS,
    work: ({ object }) => [{ group: "types", key: keyOf(object) }],
  };
  const types = openTypeWatch<FederatedResource>({
    cluster: "hub",
    resourceOf: federatedKindOf,
    work: ({ object }, _type, { spec }) =>
      ["FederatedDeployment", "FederatedReplicaSet", "FederatedNamespace"].includes(spec.federatedType.kind)
        ? [spec.targetType.kind === "Namespace" ? all : { group: GROUP, key: keyOf(object) }]
        : [],
  });
  const watchedAs = (kind: string) =>
    [...types.all].find(([, { config }]) => config.spec.federatedType.kind === kind)?.[1];
  return {
    name: "preferences",
    inputs: [preferences, clusters, configs],
    outputs: [
      { cluster: "hub", group: "*", plural: "*", part: "spec.placement and replicas, where a preference is" },
    ],
    async reconcile({ group, key }, context, signal) {
      if (group === "types") {
        types.sync(context, context.cache(configs).list());
        return undefined;
      }
      if (group === all.group) {
        for (const one of context.cache(preferences).list()) context.add({ group: GROUP, key: keyOf(one) });
        return undefined;
      }
      const preference = context.cache(preferences).get(key);
      const watched = preference && watchedAs(preference.spec.targetKind);
      if (!watched) return undefined;
      if (!watched.cache.synced) return NOT_LISTED_YET;
      const resource = watched.cache.get(key);
      if (!resource) return undefined;
      const { namespace, name } = splitKey(key);
      const space = watchedAs("FederatedNamespace")?.cache.get(`${namespace}/${namespace}`);
      const ready = [...context.cache(clusters).list()]
        .filter((one) => readyIn(one) === true)
        .map(({ metadata }) => ({ name: metadata?.name ?? "", labels: metadata?.labels ?? {} }));
      const chosen = candidates(preference.spec, resource, space, ready);
      const state = { current: runningAt(resource), capacity: {} };
      const wanted = scheduled(resource, schedule(preference.spec, key, chosen, state));
      if (!wanted) return undefined;
      const { placement, overrides } = wanted.spec ?? {};
      const ref = { resource: federatedKindOf(watched.config), namespace, name };
      // Refused where it changed meanwhile: then it is worked out anew.
      const { resourceVersion } = resource.metadata ?? {};
      const patch = { metadata: { resourceVersion }, spec: { placement, overrides } };
      await context.kube("hub").patch(ref, patch, { signal });
      return undefined;
    },
  };
}

/** What each site says that it runs, where its status is collected; otherwise what it was given. */
function runningAt(resource: FederatedResource): Readonly<Record<string, number>> {
  const given = (resource.spec?.overrides ?? []).flatMap(({ clusterName, clusterOverrides = [] }) => {
    const replicas = clusterOverrides.find(({ path }) => path === "/spec/replicas")?.value;
    return typeof replicas === "number" ? [[clusterName, replicas] as const] : [];
  });
  const said = (resource.status?.clusters ?? []).flatMap(({ name, remoteStatus }) => {
    const replicas = at(remoteStatus, "readyReplicas");
    return typeof replicas === "number" ? [[name, replicas] as const] : [];
  });
  return Object.fromEntries([...given, ...said]);
}
