/**
 * Many sites in one process: each is the real agent's supervisor with all its
 * controllers, its own client of the hub and its own user there, over an API of
 * its own in memory. Told over the process's channel which sites to be; tells
 * when each object has arrived at all of them.
 */
import { siteControllers } from "#control/controllers.ts";
import { superviseSite } from "#control/federation/agent/supervise.ts";
import { systemClock } from "#control/runtime/clock.ts";
import { openKube } from "#drivers/kube/client.ts";
import type { KubeSettings } from "#drivers/kube/transport.ts";
import type { Collection, KubeObject } from "#ports/kube.ts";
import { openSiteApi } from "./site-api.ts";

export interface SimulatedSite {
  readonly name: string;
  /** Of the hub, as this site's agent. */
  readonly hub: KubeSettings;
}

/** An object has arrived, with this value, at every site of the process. */
export interface Arrival {
  readonly name: string;
  readonly value: string;
  /** Milliseconds since 1970, of each site. */
  readonly at: readonly number[];
}

/** Every site seals a credential for every other: so many would drown what is to be seen. */
const NOT_SIMULATED = "access";
/** Between two beginnings, so that sites do not register in one moment. */
const APART_MS = 100;

function simulate(sites: readonly SimulatedSite[]): void {
  const arrivals = new Map<string, number[]>();
  const arrived = (name: string, value: string): void => {
    const key = `${name} ${value}`;
    const at = arrivals.get(key) ?? [];
    at.push(performance.timeOrigin + performance.now());
    arrivals.set(key, at);
    if (at.length < sites.length) return;
    arrivals.delete(key);
    process.send?.({ name, value, at } satisfies Arrival);
  };
  for (const [index, site] of sites.entries()) setTimeout(() => void begin(site, arrived), index * APART_MS);
}

async function begin(
  { name, hub }: SimulatedSite,
  arrived: (name: string, value: string) => void,
): Promise<void> {
  const told = ({ resource }: Collection, event: string, object: KubeObject): void => {
    if (resource.plural !== "configmaps" || event === "deleted") return;
    const { data } = object as { readonly data?: Readonly<Record<string, string>> };
    arrived(object.metadata?.name ?? "", data?.["value"] ?? "");
  };
  const own = openSiteApi(told);
  const site = { name, kind: "on-prem", endpoints: [`https://${name}.example.test:6443`] } as const;
  await superviseSite({
    site: name,
    own,
    firstHub: openKube(hub),
    open: () => undefined,
    controllers: (term, ready) =>
      siteControllers(term, site, ready, "").filter((controller) => controller.name !== NOT_SIMULATED),
    clock: systemClock,
    random: Math.random,
    emit: (event) => {
      if (event.kind === "note") console.error(`${event.subject}: ${event.what}`);
    },
    signal: new AbortController().signal,
    running: () => undefined,
    leave: (error) => console.error(`${name} leaves: ${error?.message ?? ""}`),
  });
}

process.once("message", (sites) => simulate(sites as readonly SimulatedSite[]));
