/** What goes from an API when a site leaves the federation. */
import type { Collection, Kube, ObjectRef, Resource } from "#ports/kube.ts";
import { CROWN_NAME, SYSTEM_NAMESPACE } from "../api/names.ts";
import { viewNamespace } from "../api/view.ts";
import { fencePolicies } from "../crown/fence.ts";
import { agentAccount } from "../join/identity.ts";
import { accountBindings, viewRoles } from "../join/roles.ts";
import { leaseName } from "./heartbeat-controller.ts";
import { fenceRef, roleRef } from "./install.ts";
import {
  BRAKES,
  CLUSTERS,
  CONFLICTS,
  CROWNS,
  LEASES,
  MIRRORS,
  NAMESPACES,
  SITE_ACCESSES,
  SITE_REPORTS,
} from "./resources.ts";

const AT_ONCE = 16;

/**
 * At a site that leaves: takes away its mirrors, its fence and, at the very
 * end, its crown, by which an agent that was killed on the way knows what is
 * left to do. The definitions of resources stay.
 */
export async function leaveApi(own: Kube, site: string): Promise<void> {
  for (const resource of [MIRRORS, BRAKES, CONFLICTS] as readonly Resource[])
    await deleteAll(own, { resource });
  for (const policy of fencePolicies({ site, agent: "" }).toReversed()) await own.delete(fenceRef(policy));
  await own.delete({ resource: CROWNS, name: CROWN_NAME });
}

/** At the hub: what it keeps of a site that has left. */
export async function forgetSite(hub: Kube, site: string, signal: AbortSignal): Promise<void> {
  const place = { namespace: SYSTEM_NAMESPACE };
  const refs: readonly ObjectRef[] = [
    { resource: CLUSTERS, ...place, name: site },
    { resource: LEASES, ...place, name: leaseName(site) },
    { resource: SITE_ACCESSES, name: site },
    { resource: SITE_REPORTS, name: site },
  ];
  for (const ref of refs) await hub.delete(ref, { signal });
  for (const one of viewRoles(site)) await hub.delete(roleRef(one), { signal });
  await hub.delete({ resource: NAMESPACES, name: viewNamespace(site) }, { signal });
}

/** At every site: the rights of a site's agent there, and the account that they are bound to. */
export async function revokeSite(own: Kube, site: string, signal: AbortSignal): Promise<void> {
  for (const one of accountBindings(site)) await own.delete(roleRef(one), { signal });
  const resource = { group: "", version: "v1", plural: "serviceaccounts" };
  await own.delete({ resource, namespace: SYSTEM_NAMESPACE, name: agentAccount(site) }, { signal });
}

async function deleteAll(kube: Kube, from: Collection): Promise<void> {
  const { items } = await kube.list(from);
  for (let index = 0; index < items.length; index += AT_ONCE)
    await Promise.all(
      items
        .slice(index, index + AT_ONCE)
        .map(({ metadata }) => kube.delete({ ...from, name: metadata?.name ?? "" })),
    );
}
