/**
 * At the hub: writes the status of each federated resource, which is what its
 * sites tell and the sum of it, in as few writes as may be.
 */
import { type Change, keyOf } from "#control/runtime/cache.ts";
import type { Context, Controller, Input } from "#control/runtime/controller.ts";
import type { Again } from "#control/runtime/workers.ts";
import type { Work } from "#control/runtime/queue.ts";
import type { KubeFedCluster } from "../api/cluster.ts";
import type { ClusterStatus, FederatedResource } from "../api/federated.ts";
import { SYSTEM_NAMESPACE } from "../api/names.ts";
import type { SiteReport } from "../api/site-report.ts";
import type { FederatedTypeConfig } from "../api/type-config.ts";
import { judge } from "../status/condition.ts";
import { nextStatus, statusDueAt } from "../status/next.ts";
import { entryTold, isAbout, mergedEntries, openTold } from "../status/told.ts";
import { hashOf } from "./body.ts";
import { entryOf, isSameEntry, writeStatus } from "./entry.ts";
import { readyIn } from "./readiness-controller.ts";
import { CLUSTERS, federatedKindOf, SITE_REPORTS, splitKey, TYPE_CONFIGS } from "./resources.ts";
import type { Term } from "./term.ts";
import { openTypeWatch, type WatchedType } from "./type-watch.ts";

/** Few at once: what the statuses are about goes first, at an API server that has much to do. */
const CONCURRENCY = 4;
const NOT_LISTED_YET = { afterSeconds: 0.2 };
/** The watch will tell of what came between. */
const CHANGED_MEANWHILE = { afterSeconds: 0.1 };

export function propagationController(term: Term): Controller {
  const { site, clock, reports, fresh } = term;
  /** Of what is not written yet, when it began and when it last changed, ms. */
  const changed = new Map<string, { readonly since: number; readonly last: number }>();
  const writtenAt = new Map<string, number>();
  const told = openTold(term.crown.epoch);
  let lastChange = 0;
  const noteChange = (work: Work): Work => {
    const now = clock.now();
    changed.set(idOf(work), { since: changed.get(idOf(work))?.since ?? now, last: now });
    return work;
  };
  const configs: Input<FederatedTypeConfig> = {
    cluster: "hub",
    resource: TYPE_CONFIGS,
    work: ({ object }) => [{ group: "types", key: keyOf(object) }],
  };
  const siteReports: Input<SiteReport> = {
    cluster: "hub",
    resource: SITE_REPORTS,
    work: ({ type, object: { metadata, spec } }) =>
      told.take(metadata?.name ?? "", type === "deleted" ? undefined : spec).map(noteChange),
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
      const work = { group: type, key: keyOf(change.object) };
      if (change.type === "deleted") {
        reports.drop(type, work.key);
        for (const one of [changed, writtenAt]) one.delete(idOf(work));
      } else {
        // Our own writes come back, and ask for nothing.
        if (change.previous?.metadata?.generation !== change.object.metadata?.generation)
          lastChange = clock.now();
        yield noteChange(work);
      }
      if (config.spec.targetType.kind === "Namespace" && isPlacedAnew(change))
        yield { group: "all", key: splitKey(work.key).namespace };
    },
  });
  const namespaceOf = (key: string): FederatedResource | undefined => {
    const { namespace } = splitKey(key);
    for (const [, { config, cache }] of types.all)
      if (config.spec.targetType.kind === "Namespace") return cache.get(`${namespace}/${namespace}`);
    return undefined;
  };
  /** The entries as the sites tell them; only of sites that are in the federation. */
  const entriesOf = (
    work: Work,
    resource: FederatedResource,
    had: readonly ClusterStatus[],
    context: Context,
  ): readonly ClusterStatus[] => {
    const cache = context.cache(clusters);
    const said = new Map<string, ClusterStatus | undefined>();
    for (const [name, one] of told.of(work))
      if (name !== site && isAbout(one, resource) && cache.get(`${SYSTEM_NAMESPACE}/${name}`))
        said.set(name, entryTold(name, one));
    const own = reports.get(work.group, work.key);
    if (own?.hash === hashOf(resource))
      said.set(site, own.status === undefined ? undefined : entryOf(site, own, resource));
    return mergedEntries(had, said, isSameEntry);
  };
  const judgedOf = ({ key }: Work, resource: FederatedResource, namespaced: boolean, context: Context) =>
    judge({
      resource,
      namespaced,
      namespace: namespaceOf(key),
      clusters: [...context.cache(clusters).list()].map((one) => ({
        name: one.metadata?.name ?? "",
        labels: one.metadata?.labels ?? {},
        ready: readyIn(one) ?? true,
      })),
    });
  const reconcileOne = async (
    work: Work,
    { config, cache }: WatchedType<FederatedResource>,
    context: Context,
    signal: AbortSignal,
  ): Promise<Again | undefined> => {
    const id = idOf(work);
    const resource = cache.get(work.key);
    const had = resource?.status?.clusters ?? [];
    const entries = resource ? entriesOf(work, resource, had, context) : had;
    const told = { ...resource, status: { ...resource?.status, clusters: entries } };
    const namespaced = config.spec.targetType.scope === "Namespaced";
    const judged = judgedOf(work, told, namespaced, context);
    const next = resource && nextStatus(resource, entries, judged, wholeSeconds(clock.wall()));
    if (!next) {
      for (const one of [changed, writtenAt]) one.delete(id);
      return undefined;
    }
    const now = clock.now();
    const due = statusDueAt({
      pending: changed.get(id) ?? { since: now, last: now },
      writtenAt: writtenAt.get(id),
      judged,
      told: entries !== had,
      burst: { size: changed.size, last: Math.max(lastChange, fresh.appliedAt) },
    });
    if (due > now) return { afterSeconds: (due - now) / 1000 };
    const written = await writeStatus(context.kube("hub"), federatedKindOf(config), resource, next, signal);
    if (!written) return CHANGED_MEANWHILE;
    changed.delete(id);
    writtenAt.set(id, clock.now());
    return undefined;
  };

  return {
    name: "propagation",
    concurrency: CONCURRENCY,
    inputs: [configs, clusters, siteReports],
    outputs: [{ cluster: "hub", group: "*", plural: "*", part: "status.clusters and status.conditions" }],
    start(context) {
      reports.listen((group, key) => context.add(noteChange({ group, key })));
    },
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
      if (!watched.cache.synced) return NOT_LISTED_YET;
      return reconcileOne(work, watched, context, signal);
    },
  };
}

function wholeSeconds(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, "Z");
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
