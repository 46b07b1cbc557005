/** A site's entries at the hub: in the crown's list of sites, and as a cluster. */
import type { Kube } from "#ports/kube.ts";
import type { Crown, CrownSite } from "../api/crown.ts";
import { CORE_GROUP, CROWN_NAME, SYSTEM_NAMESPACE } from "../api/names.ts";
import type { SiteRequestSpec } from "../api/site-request.ts";
import { seatFor } from "../agent/heartbeat-controller.ts";
import { CLUSTERS, CROWNS } from "../agent/resources.ts";

/** As the API has it now: what is written here must not rest on an older one. */
export function currentCrown(hub: Kube, signal: AbortSignal): Promise<Crown> {
  return hub.get({ resource: CROWNS, name: CROWN_NAME }, { signal });
}

/** Makes the entries of an admitted site, or brings them up to date where it comes back. */
export async function enter(
  hub: Kube,
  crown: Crown,
  { site: name, kind, endpoints, caBundle }: SiteRequestSpec,
  labels: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const bundle = caBundle !== undefined && { caBundle };
  const known = crown.spec.sites.find((one) => one.name === name);
  const entry: CrownSite = {
    name,
    kind,
    endpoints,
    ...bundle,
    seat: known?.seat ?? seatFor(crown.spec, kind),
  };
  const sites = known
    ? crown.spec.sites.map((one) => (one.name === name ? entry : one))
    : [...crown.spec.sites, entry];
  const departed = crown.spec.departed?.filter((one) => one.name !== name);
  const spec = { ...crown.spec, sites, ...(departed && { departed }) };
  await hub.replace({ resource: CROWNS, name: CROWN_NAME }, { ...crown, spec }, { signal });
  const cluster = {
    apiVersion: `${CORE_GROUP}/v1beta1`,
    kind: "KubeFedCluster",
    metadata: { name, namespace: SYSTEM_NAMESPACE, labels },
    spec: { apiEndpoint: endpoints[0] ?? "", ...bundle },
  };
  const place = { resource: CLUSTERS, namespace: SYSTEM_NAMESPACE, name };
  await hub.apply(place, cluster, { fieldManager: "panopticon-join", signal });
}
