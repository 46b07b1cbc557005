/** Takes a service away: its federated resources go from the hub, and sites delete their copies as they hear of it. */
import { PREFERENCES } from "#control/federation/agent/resources.ts";
import { type Part, partName } from "#lifecycle/service/part.ts";
import { at } from "#control/federation/json.ts";
import type { Kube } from "#ports/kube.ts";
import { isOwn, ownParts, ownPreferences, partsIn } from "./service-hub.ts";
import { unknown } from "./service-state.ts";

export interface RemoveOptions {
  readonly dryRun: boolean;
  /** Lets the volumes go with the namespace. */
  readonly deleteData: boolean;
}

export interface Removed {
  /** Such as `Deployment shop`, in the order in which they go. */
  readonly objects: readonly string[];
  /** Why the namespace stays at the sites; empty where it goes. */
  readonly namespaceStays: string;
}

/** SERVICE_UNKNOWN (exit 2) where there is no such service. */
export async function removeService(hub: Kube, name: string, options: RemoveOptions): Promise<Removed> {
  const [parts, preferences] = await Promise.all([ownParts(hub, name), ownPreferences(hub, name)]);
  const [first] = parts;
  if (!first) throw await unknown(hub, name);
  const namespace = first.ref.namespace ?? "";
  const space = await namespacePart(hub, namespace);
  const stays = space
    ? await whyItStays(hub, namespace, parts, options)
    : "its federation is not this service's";
  const going = [...parts, ...(space && stays === "" ? [space] : [])];
  if (!options.dryRun) {
    for (const { metadata } of preferences)
      await hub.delete({ resource: PREFERENCES, namespace, name: metadata?.name ?? "" });
    for (const { ref } of going) await hub.delete(ref);
  }
  return { objects: going.map(partName), namespaceStays: stays };
}

async function namespacePart(hub: Kube, namespace: string): Promise<Part | undefined> {
  const resource = { group: "types.kubefed.io", version: "v1beta1", plural: "federatednamespaces" };
  const ref = { resource, namespace, name: namespace };
  const there = await hub.find(ref);
  return there && isOwn(there) ? { ref, resource: there } : undefined;
}

/** A namespace takes with it what is in it: what somebody else put there, and data. */
async function whyItStays(
  hub: Kube,
  namespace: string,
  parts: readonly Part[],
  { deleteData }: RemoveOptions,
): Promise<string> {
  const own = new Set(parts.map(partName));
  const others = (await partsIn(hub, namespace)).map(partName).filter((part) => !own.has(part));
  if (others.length > 0) return `it holds ${others.join(", ")}`;
  const claims = parts.some(({ resource }) => at(resource.spec?.template, "spec", "volumeClaimTemplates"));
  return claims && !deleteData ? "it holds the service's volumes (--delete-data lets them go)" : "";
}
