/** What a service consists of at the hub: one federated resource for each of its objects. */
import type { FederatedResource, Override, Placement } from "#control/federation/api/federated.ts";
import { type Cluster, selects } from "#control/federation/place/placement.ts";
import type { ObjectRef } from "#ports/kube.ts";

/** A federated resource as it is wanted: its template everywhere, without overrides. */
export interface Part {
  readonly ref: ObjectRef<FederatedResource>;
  readonly resource: FederatedResource;
}

/** Such as `Deployment shop`. */
export function partName({ resource: { kind = "", metadata } }: Pick<Part, "resource">): string {
  return `${kind.replace(/^Federated/, "")} ${metadata?.name ?? ""}`;
}

/** Whether it runs the pods. */
export function isWorkload({ resource: { kind } }: Pick<Part, "resource">): boolean {
  return kind === "FederatedDeployment" || kind === "FederatedStatefulSet";
}

/** The clusters that a resource is placed on by itself, whatever its namespace. */
export function placedOn(resource: FederatedResource, clusters: readonly Cluster[]): readonly string[] {
  return clusters.filter((cluster) => selects(resource, cluster) === true).map(({ name }) => name);
}

/** In the order in which they get a new version: as the list says, else by name. */
export function rolloutOrder(placement: Placement, clusters: readonly Cluster[]): readonly string[] {
  const names = placement.clusters?.map(({ name }) => name);
  const known = clusters.map(({ name }) => name);
  return (
    names?.filter((name) => known.includes(name)) ?? placedOn({ spec: { placement } }, clusters).toSorted()
  );
}

export const REPLICAS_PATH = "/spec/replicas";

/** How many replicas are wanted at a site: its override goes before the template. */
export function replicasAt({ spec }: FederatedResource, site: string): number {
  const override = overrideOf(spec?.overrides, site)?.clusterOverrides?.find(
    ({ path }) => path === REPLICAS_PATH,
  );
  const { replicas } = (spec?.template?.["spec"] ?? {}) as { readonly replicas?: number };
  return typeof override?.value === "number" ? override.value : (replicas ?? 1);
}

export function overrideOf(overrides: readonly Override[] | undefined, site: string): Override | undefined {
  return overrides?.find(({ clusterName }) => clusterName === site);
}
