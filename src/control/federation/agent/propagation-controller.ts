/** At the hub: sums up for each federated resource what its sites say. */
import { type Change, keyOf } from "#control/runtime/cache.ts";
import type { Controller, Input } from "#control/runtime/controller.ts";
import type { Work } from "#control/runtime/queue.ts";
import { KubeError } from "#ports/kube.ts";
import type { KubeFedCluster } from "../api/cluster.ts";
import type { FederatedResource } from "../api/federated.ts";
import { SYSTEM_NAMESPACE } from "../api/names.ts";
import type { FederatedTypeConfig } from "../api/type-config.ts";
import { judge, propagation } from "../status/condition.ts";
import { readyIn } from "./readiness-controller.ts";
import { CLUSTERS, federatedKindOf, splitKey, TYPE_CONFIGS } from "./resources.ts";
import type { Term } from "./term.ts";
import { openTypeWatch } from "./type-watch.ts";

/** Sites answer one after the other: one sum for all of them. */
const QUIET_MS = 300;
/** So long nothing is said of sites that have not answered yet: mostly they will have. */
const PATIENCE_MS = 3000;
const PATIENCE_EACH_MS = 20;
/** As few as `status` takes, and for the same reason. */
const CONCURRENCY = 4;
const NOT_LISTED_YET = { afterSeconds: 0.2 };

export function propagationController({ clock }: Term): Controller {
  const changedAt = new Map<string, number>();
  const configs: Input<FederatedTypeConfig> = {
    cluster: "hub",
    resource: TYPE_CONFIGS,
    work: ({ object }) => [{ group: "types", key: keyOf(object) }],
  };
  const clusters: Input<KubeFedCluster> = {
    cluster: "hub",
    resource: CLUSTERS,
    namespace: SYSTEM_NAMESPACE,
    *work(change) {
      const { previous, object, type } = change;
      const same =
        type === "modified" &&
        readyIn(previous) === readyIn(object) &&
        labelsOf(previous) === labelsOf(object);
      if (!same) yield { group: "all", key: "clusters" };
    },
  };
  const types = openTypeWatch<FederatedResource>({
    cluster: "hub",
    resourceOf: federatedKindOf,
    *work(change, type, config) {
      const key = keyOf(change.object);
      if (change.type !== "deleted") {
        changedAt.set(`${type} ${key}`, clock.now());
        yield { group: type, key };
      }
      if (config.spec.targetType.kind === "Namespace" && isPlacedAnew(change))
        yield { group: "all", key: splitKey(key).namespace };
    },
  });
  const namespaceOf = (key: string): FederatedResource | undefined => {
    const { namespace } = splitKey(key);
    for (const [, { config, cache }] of types.all)
      if (config.spec.targetType.kind === "Namespace") return cache.get(`${namespace}/${namespace}`);
    return undefined;
  };
  return {
    name: "propagation",
    concurrency: CONCURRENCY,
    inputs: [configs, clusters],
    outputs: [{ cluster: "hub", group: "*", plural: "*", part: "status.conditions" }],
    async reconcile(work, context, signal) {
      const { group, key } = work;
      if (group === "types") {
        types.sync(context, context.cache(configs).list());
        return undefined;
      }
      if (group === "all") {
        for (const [type, { cache }] of types.all)
          for (const resource of cache.list())
            if (key === "clusters" || resource.metadata?.namespace === key)
              context.add({ group: type, key: keyOf(resource) });
        return undefined;
      }
      const watched = types.get(group);
      if (!watched) return undefined;
      if (![...types.all].every(([, { cache }]) => cache.synced) && !watched.cache.synced)
        return NOT_LISTED_YET;
      const resource = watched.cache.get(key);
      if (!resource) {
        changedAt.delete(idOf(work));
        return undefined;
      }
      const wait = (changedAt.get(idOf(work)) ?? 0) + QUIET_MS - clock.now();
      if (wait > 0) return { afterSeconds: wait / 1000 };
      const { targetType } = watched.config.spec;
      const judged = judge({
        resource,
        namespaced: targetType.scope === "Namespaced",
        namespace: namespaceOf(key),
        clusters: [...context.cache(clusters).list()].map((one) => ({
          name: one.metadata?.name ?? "",
          labels: one.metadata?.labels ?? {},
          ready: readyIn(one) ?? true,
        })),
      });
      // Where thousands wait, each has to wait for its turn at every site.
      const patience = PATIENCE_MS + changedAt.size * PATIENCE_EACH_MS - QUIET_MS;
      if (judged.waiting && wait > -patience) return { afterSeconds: (wait + patience) / 1000 };
      changedAt.delete(idOf(work));
      const before = resource.status?.conditions?.find(({ type }) => type === "Propagation");
      const observedGeneration = resource.metadata?.generation ?? 0;
      const anew = (resource.status?.observedGeneration ?? 0) !== observedGeneration;
      const now = clock
        .wall()
        .toISOString()
        .replace(/\.\d+Z$/, "Z");
      const condition = propagation(before, judged, anew, now);
      if (condition === before && !anew) return undefined;
      const { apiVersion = "", kind = "" } = resource;
      const { namespace, name } = splitKey(key);
      const metadata = { name, ...(namespace !== "" && { namespace }) };
      const status = { observedGeneration, conditions: [condition] };
      const ref = { resource: federatedKindOf(watched.config), ...metadata, subresource: "status" };
      try {
        const own = { apiVersion, kind, metadata, status };
        await context.kube("hub").apply(ref, own, { fieldManager: "panopticon-hub", signal });
      } catch (error) {
        if (!(error instanceof KubeError) || error.status !== 404) throw error;
      }
      return undefined;
    },
  };
}

function idOf({ group, key }: Work): string {
  return `${group} ${key}`;
}

function labelsOf({ metadata }: KubeFedCluster): string {
  return JSON.stringify(metadata?.labels ?? {});
}

/** Whether a namespace's placement may have changed, with which everything in it has to be judged anew. */
function isPlacedAnew({ type, previous, object }: Change<FederatedResource>): boolean {
  return (
    type !== "modified" || JSON.stringify(previous.spec?.placement) !== JSON.stringify(object.spec?.placement)
  );
}
