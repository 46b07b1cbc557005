/** All that is watched at every site while a drill runs. */
import type { SitePlan } from "#plan/plan.ts";
import type { Gaps } from "#render/reports/drill.ts";
import type { DrillSite } from "./fault.ts";
import { type Watch, watchApi } from "./probes/api.ts";
import { type EtcdProbe, openEtcdProbe } from "./probes/etcd.ts";
import { type HoldersWatch, watchHolders } from "./probes/holders.ts";
import { type OutsideWatch, watchOutside } from "./probes/outside.ts";
import { entrances } from "./service.ts";

export interface SiteWatch {
  readonly api: Watch;
  readonly etcd: EtcdProbe;
  readonly holders: HoldersWatch;
}

export interface DrillWatch {
  readonly sites: ReadonlyMap<string, SiteWatch>;
  readonly outside: OutsideWatch;
  /** Begins a new stretch at every site. */
  reset(): void;
  /** The longest silences since the last reset, by site. */
  gaps(): Readonly<Record<string, Gaps>>;
  stop(): Promise<void>;
}

/** Starts to watch; the test service must be there. */
export async function watchAll(grounds: readonly DrillSite[]): Promise<DrillWatch> {
  const sites = new Map<string, SiteWatch>();
  for (const ground of grounds) sites.set(ground.context.site.name, await watchSite(ground));
  const ways = new Map(grounds.map(({ context }) => [context.site.name, entrances(context.site)]));
  const outside = watchOutside(grounds[0]?.faults.outside() ?? [], ways);
  return {
    sites,
    outside,
    reset: () => {
      for (const [name, site] of sites) {
        site.api.gap.reset();
        site.etcd.gap.reset();
        site.holders.reset();
        outside.of(name).reset();
      }
    },
    gaps: () =>
      Object.fromEntries(
        [...sites].map(([name, { api, etcd }]) => [
          name,
          { api: api.gap.longest(), service: outside.of(name).longest(), etcd: etcd.gap.longest() },
        ]),
      ),
    stop: async () => {
      outside.stop();
      await Promise.all([...sites.values()].map(stopSite));
    },
  };
}

async function watchSite({ context, faults }: DrillSite): Promise<SiteWatch> {
  const site: SitePlan = context.site;
  return {
    api: watchApi(site.network.vip, site.endpoint.port),
    etcd: await openEtcdProbe(site, context.keyring, context.now()),
    holders: watchHolders(site, faults),
  };
}

async function stopSite({ api, etcd, holders }: SiteWatch): Promise<void> {
  api.stop();
  await Promise.all([etcd.stop(), holders.stop()]);
}
