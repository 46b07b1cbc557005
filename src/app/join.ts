/** What the hub's administrator does for sites that join. */
import { installFence, installResources } from "#control/federation/agent/install.ts";
import type { Kube } from "#ports/kube.ts";

/** Gives a site's API what its agent needs: resources, its rights and those of others, and the fence. */
export async function prepareSite(kube: Kube, site: string): Promise<void> {
  await installResources(kube);
  await installFence(kube, site);
}
