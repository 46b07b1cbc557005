/** What sites of a federation have, compared object by object. */
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Kube, KubeObject, Resource } from "#ports/kube.ts";
import { CONFIG_MAPS, type ConfigMap, FEDERATED_MAPS, type Site } from "./federation.ts";

const MIRRORS: Resource<Mirror> = { group: "federation.panopticon.dev", version: "v1", plural: "mirrors" };
const MANAGED = "kubefed.io/managed=true";

interface Mirror extends KubeObject {
  readonly spec: { readonly kind: string; readonly body?: object };
}

interface FederatedMap extends KubeObject {
  readonly spec: { readonly template?: { readonly data?: Readonly<Record<string, string>> } };
}

type Contents = ReadonlyMap<string, unknown>;

/** Where two sites differ, in words; empty where they are equal. */
function differences(name: string, wanted: Contents, there: Contents): readonly string[] {
  const keys = new Set([...wanted.keys(), ...there.keys()]);
  return [...keys].flatMap((key) => {
    if (isDeepStrictEqual(wanted.get(key), there.get(key))) return [];
    const say = (value: unknown) => (value === undefined ? "nothing" : JSON.stringify(value).slice(0, 300));
    return [`${name} ${key}: ${say(there.get(key))} in place of ${say(wanted.get(key))}`];
  });
}

/** What the hub asks for: every federated config map's data, which is everywhere the same in these journeys. */
async function wantedCopies(hub: Kube): Promise<Contents> {
  const { items } = await hub.list({ resource: FEDERATED_MAPS });
  return new Map(
    (items as readonly FederatedMap[]).map(({ metadata, spec }) => [
      `${metadata?.namespace}/${metadata?.name}`,
      spec.template?.data,
    ]),
  );
}

/** The copies that a site has, by what is labelled there. */
async function copiesAt(kube: Kube): Promise<Contents> {
  const { items } = await kube.list({ resource: CONFIG_MAPS }, { labelSelector: MANAGED });
  return new Map(
    items.map(({ metadata, data }: ConfigMap) => [`${metadata?.namespace}/${metadata?.name}`, data]),
  );
}

/** A site's mirrors of what lives: what it would be the hub with. */
async function mirrorsAt(kube: Kube): Promise<Contents> {
  const { items } = await kube.list({ resource: MIRRORS });
  const alive = items.filter(({ spec }) => spec.body);
  return new Map(alive.map(({ metadata, spec }) => [metadata?.name ?? "", spec.body]));
}

/** Where a site is not what the hub asks for, or knows another hub than the hub itself does; empty where all is well. */
async function differencesOf(hub: Site, sites: readonly Site[]): Promise<readonly string[]> {
  const [wanted, known] = await Promise.all([wantedCopies(hub.kube), mirrorsAt(hub.kube)]);
  const found = await Promise.all(
    sites.map(async ({ name, kube }) => [
      ...differences(name, wanted, await copiesAt(kube)),
      ...differences(`${name}'s mirror`, known, await mirrorsAt(kube)),
    ]),
  );
  return found.flat();
}

/** Waits until every site has exactly what the hub asks for, object by object, and gives how many objects that is. */
export async function sameEverywhere(hub: Site, sites: readonly Site[], seconds: number): Promise<number> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const found = await differencesOf(hub, sites).catch((error: Error) => [error.message]);
    if (found.length === 0) return (await wantedCopies(hub.kube)).size;
    if (performance.now() > end) {
      const logs = sites.map((site) => `${site.name}:\n${site.agentLog().slice(-2500)}`);
      const shown = [`${found.length} differences:`, ...found.slice(0, 12), ...logs];
      throw new Error(`after ${seconds} s ${shown.join("\n")}`);
    }
    // Comparing thousands of objects is work for the very machine that brings them.
    await sleep(found.length > 100 ? 1000 : 100);
  }
}
