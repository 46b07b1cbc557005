/** Tells the hub how each federated resource fares at this site: the site's own entry and nothing else. */
import type { Controller, Input } from "#control/runtime/controller.ts";
import { keyOf } from "#control/runtime/cache.ts";
import type { Work } from "#control/runtime/queue.ts";
import type { FederatedResource } from "../api/federated.ts";
import type { FederatedTypeConfig } from "../api/type-config.ts";
import { fnv32 } from "../replicas/fnv.ts";
import { apart, dueAt, noted, PACE, type Pending, yielding } from "../status/coalesce.ts";
import { hashOf } from "./body.ts";
import { entryIn, entryOf, isSameEntry, writeEntry } from "./entry.ts";
import { federatedKindOf, TYPE_CONFIGS } from "./resources.ts";
import type { Term } from "./term.ts";
import { openTypeWatch } from "./type-watch.ts";

/** Few at once: what the statuses are about goes first, at an API server that has much to do. */
const CONCURRENCY = 4;
const NOT_LISTED_YET = { afterSeconds: 0.2 };

export function statusController({ site, reports, clock }: Term): Controller {
  const configs: Input<FederatedTypeConfig> = {
    cluster: "hub",
    resource: TYPE_CONFIGS,
    work: ({ object }) => [{ group: "types", key: keyOf(object) }],
  };
  const types = openTypeWatch<FederatedResource>({
    cluster: "hub",
    resourceOf: federatedKindOf,
    *work({ type: change, object }, type) {
      if (change === "deleted") reports.drop(type, keyOf(object));
      else yield { group: type, key: keyOf(object) };
    },
  });
  const pending = new Map<string, Pending>();
  const writtenAt = new Map<string, number>();
  let lastChange = 0;
  const idOf = ({ group, key }: Work): string => `${group} ${key}`;
  const due = (id: string): number => {
    const one = pending.get(id);
    if (!one) return dueAt({ since: 0, last: 0, urgent: false }, writtenAt.get(id), PACE);
    const burst = { size: pending.size, last: lastChange };
    const share = fnv32(`${site} ${id}`) / 2 ** 32;
    return yielding(dueAt(one, writtenAt.get(id), PACE), one, burst) + apart(share, burst);
  };

  return {
    name: "status",
    concurrency: CONCURRENCY,
    inputs: [configs],
    outputs: [{ cluster: "hub", group: "*", plural: "*", part: `status.clusters[${site}]` }],
    start(context) {
      reports.listen((type, key, urgent) => {
        const work = { group: type, key };
        lastChange = clock.now();
        pending.set(idOf(work), noted(pending.get(idOf(work)), lastChange, urgent));
        context.addAfter(work, Math.max(0, due(idOf(work)) - lastChange) / 1000);
      });
    },
    async reconcile(work, context, signal) {
      const { group, key } = work;
      if (group === "types") {
        types.sync(context, context.cache(configs).list());
        return undefined;
      }
      const watched = types.get(group);
      if (!watched) return undefined;
      if (!watched.cache.synced) return NOT_LISTED_YET;
      const resource = watched.cache.get(key);
      const report = reports.get(group, key);
      if (!resource || !report || report.hash !== hashOf(resource)) return undefined;
      const id = idOf(work);
      const wait = due(id) - clock.now();
      if (wait > 0) return { afterSeconds: wait / 1000 };
      pending.delete(id);
      const entry = report.status === undefined ? undefined : entryOf(site, report, resource);
      if (isSameEntry(entryIn(resource, site), entry)) {
        writtenAt.delete(id);
        return undefined;
      }
      writtenAt.set(id, clock.now());
      const kind = federatedKindOf(watched.config);
      await writeEntry(context.kube("hub"), kind, resource, site, entry, signal);
      return undefined;
    },
  };
}
