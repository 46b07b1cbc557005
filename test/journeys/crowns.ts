/** The crown as journeys look at it: who has it, who hears its holder, and the writes that came too late. */
import type { Kube, KubeObject, Resource } from "#ports/kube.ts";
import { type Site, until } from "./federation.ts";

const group = { group: "federation.panopticon.dev", version: "v1" };
export const CROWNS: Resource<Crown> = { ...group, plural: "crowns" };
export const CONFLICTS: Resource<Conflict> = { ...group, plural: "conflicts" };

export interface Crown extends KubeObject {
  readonly spec: {
    readonly epoch: number;
    readonly holder: string;
    readonly frozen?: object;
    readonly sites: readonly { readonly name: string; readonly seat: number }[];
    readonly history: readonly { readonly how: string; readonly holder: string }[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly epoch?: number;
    readonly holder?: { readonly heard: boolean };
  };
}

export interface Conflict extends KubeObject {
  readonly spec: { readonly name: string; readonly operation: string; readonly site: string };
  readonly status?: { readonly state: string };
}

export function crownAt({ kube }: Site): Promise<Crown> {
  return kube.get({ resource: CROWNS, name: "crown" });
}

/** Until no agent of these sites hears the holder any more. */
export async function untilUnheard(sites: readonly Site[]): Promise<void> {
  const isUnheard = async (site: Site) => (await crownAt(site)).status?.holder?.heard === false;
  await until("nobody hears the holder", 60, async () => (await all(sites, isUnheard)).every(Boolean), sites);
}

/** Until all of these have the same crown and its holder is open; gives the holder. */
export async function untilOneCrown(sites: readonly Site[], seconds = 60): Promise<Site> {
  let holder: Site | undefined;
  await until(
    "there is one crown",
    seconds,
    async () => {
      const crowns = await all(sites, crownAt);
      const [first] = crowns;
      holder = sites.find(({ name }) => name === first?.spec.holder);
      const same = crowns.every(({ spec }) => JSON.stringify(spec) === JSON.stringify(first?.spec));
      const { phase, epoch } = crowns[holder ? sites.indexOf(holder) : -1]?.status ?? {};
      return (
        first !== undefined &&
        same &&
        phase === "Open" &&
        epoch === first.spec.epoch &&
        first.spec.frozen === undefined
      );
    },
    sites,
  );
  return holder as Site;
}

/** The conflicts that a hub knows, as `operation name`, in order. */
export async function conflictsAt(kube: Kube): Promise<readonly string[]> {
  const { items } = await kube.list({ resource: CONFLICTS });
  return items.map(({ spec }) => `${spec.operation} ${spec.name}`).toSorted();
}

function all<T>(sites: readonly Site[], ask: (site: Site) => Promise<T>): Promise<T[]> {
  return Promise.all(sites.map(ask));
}
