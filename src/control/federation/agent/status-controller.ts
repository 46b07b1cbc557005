/**
 * At a site that is not the hub: tells the hub how each federated resource fares
 * here, in the site's report there, until the resource's status says so.
 */
import type { Controller, Input } from "#control/runtime/controller.ts";
import { keyOf } from "#control/runtime/cache.ts";
import type { Work } from "#control/runtime/queue.ts";
import { type Kube, KubeError } from "#ports/kube.ts";
import { isDeepStrictEqual } from "node:util";
import type { FederatedResource } from "../api/federated.ts";
import { FEDERATION_GROUP } from "../api/names.ts";
import type { SiteReport, SiteReportSpec, Told } from "../api/site-report.ts";
import type { FederatedTypeConfig } from "../api/type-config.ts";
import { type Burst, dueAt, noted, PACE, type Pending, yielding } from "../status/coalesce.ts";
import { openUntold } from "../status/untold.ts";
import { hashOf } from "./body.ts";
import { entryIn, entryOf, isSameEntry } from "./entry.ts";
import type { Report } from "./reports.ts";
import { federatedKindOf, SITE_REPORTS, splitKey, TYPE_CONFIGS } from "./resources.ts";
import type { Term } from "./term.ts";
import { openTypeWatch } from "./type-watch.ts";

const CONCURRENCY = 4;
const NOT_LISTED_YET = { afterSeconds: 0.2 };
const TELL: Work = { group: "tell", key: "all" };
/** Where more is on its way, it is gathered for so long. */
const GATHER_SECONDS = 0.1;
/** What the hub has not taken by then it is told once more: its record of it may be lost. */
const AGAIN_SECONDS = 30;

export function statusController({ site, crown: { epoch }, reports, clock }: Term): Controller {
  const configs: Input<FederatedTypeConfig> = {
    cluster: "hub",
    resource: TYPE_CONFIGS,
    work: ({ object }) => [{ group: "types", key: keyOf(object) }],
  };
  const untold = openUntold();
  const pending = new Map<string, Pending>();
  const toldAt = new Map<string, number>();
  const types = openTypeWatch<FederatedResource>({
    cluster: "hub",
    resourceOf: federatedKindOf,
    *work({ type: change, object }, type) {
      const work = { group: type, key: keyOf(object) };
      if (change !== "deleted") yield work;
      else {
        reports.drop(type, work.key);
        for (const one of [pending, toldAt, untold]) one.delete(idOf(work));
      }
    },
  });
  let lastChange = 0;
  let sentAt = Number.NEGATIVE_INFINITY;
  const burst = (): Burst => ({ size: pending.size, last: lastChange });
  const due = (id: string): number => {
    const one = pending.get(id);
    if (!one) return dueAt({ since: 0, last: 0, urgent: false }, toldAt.get(id), PACE);
    return yielding(dueAt(one, toldAt.get(id), PACE), one, burst());
  };
  const tellHub = async (hub: Kube, signal: AbortSignal) => {
    const rest = sentAt / 1000 + AGAIN_SECONDS - clock.now() / 1000;
    const entries = untold.next();
    if (entries.length === 0) return undefined;
    if (untold.isSent(entries) && rest > 0) return { afterSeconds: rest };
    await writeReport(hub, site, { epoch, entries }, signal);
    untold.sent(entries);
    sentAt = clock.now();
    return { afterSeconds: AGAIN_SECONDS };
  };

  return {
    name: "status",
    concurrency: CONCURRENCY,
    inputs: [configs],
    outputs: [
      { cluster: "hub", group: FEDERATION_GROUP, plural: SITE_REPORTS.plural, part: `the one of ${site}` },
    ],
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
      if (group === TELL.group) return tellHub(context.kube("hub"), signal);
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
      const told = toldOf(work, site, report, resource);
      if (!told) {
        toldAt.delete(id);
        // Those that had no room have it now.
        if (untold.delete(id) && untold.isCrowded) context.addAfter(TELL, GATHER_SECONDS);
        return undefined;
      }
      if (isDeepStrictEqual(untold.get(id), told)) return undefined;
      untold.set(id, told);
      toldAt.set(id, clock.now());
      if (pending.size === 0) context.add(TELL);
      else context.addAfter(TELL, GATHER_SECONDS);
      return undefined;
    },
  };
}

function idOf({ group, key }: Work): string {
  return `${group} ${key}`;
}

/** What the hub has to be told; undefined where the resource's status says it already. */
function toldOf(
  { group: type, key }: Work,
  site: string,
  report: Report,
  resource: FederatedResource,
): Told | undefined {
  const entry = report.status === undefined ? undefined : entryOf(site, report, resource);
  if (isSameEntry(entryIn(resource, site), entry)) return undefined;
  const { uid = "", generation = 0 } = resource.metadata ?? {};
  const about = { type, ...splitKey(key), uid, observedGeneration: generation };
  if (!entry) return { ...about, gone: true };
  const { name: _site, ...said } = entry;
  return { ...said, ...about };
}

async function writeReport(
  hub: Kube,
  site: string,
  spec: SiteReportSpec,
  signal: AbortSignal,
): Promise<void> {
  try {
    await hub.patch({ resource: SITE_REPORTS, name: site }, { spec }, { signal });
  } catch (error) {
    if (!(error instanceof KubeError) || error.status !== 404) throw error;
    const head = { apiVersion: `${FEDERATION_GROUP}/v1`, kind: "SiteReport", metadata: { name: site } };
    const report: SiteReport = { ...head, spec };
    await hub.create({ resource: SITE_REPORTS }, report, { signal });
  }
}
