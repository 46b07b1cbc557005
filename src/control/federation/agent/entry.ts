/** A site's entry in the status of a federated resource. */
import { isDeepStrictEqual } from "node:util";
import { type Kube, KubeError } from "#ports/kube.ts";
import type { ClusterStatus, FederatedResource, FederatedStatus } from "../api/federated.ts";
import type { JsonObject } from "../json.ts";
import type { MirroredKind } from "./resources.ts";

/** Who owns a site's entry among the fields of a status. */
function entryOwner(site: string): string {
  return `panopticon-site-${site}`;
}

export function entryIn({ status }: FederatedResource, site: string): ClusterStatus | undefined {
  return status?.clusters?.find(({ name }) => name === site);
}

/** How a copy fares, as reports and views have it. */
interface Said {
  readonly status?: string | undefined;
  readonly message?: string | undefined;
  readonly remoteStatus?: JsonObject;
  readonly remoteGeneration?: number;
}

/** Without what says nothing. */
export function toldOf({ status, message, remoteStatus, remoteGeneration }: Said) {
  return {
    ...(status && { status }),
    ...(message && { message }),
    ...(remoteStatus && { remoteStatus }),
    ...(remoteGeneration !== undefined && { remoteGeneration }),
  };
}

/** A site's entry, by what the site says of this very resource. */
export function entryOf(name: string, said: Said, { metadata }: FederatedResource): ClusterStatus {
  return { name, ...toldOf(said), observedGeneration: metadata?.generation ?? 0 };
}

/** Whether both say the same. */
export function isSameEntry(before: ClusterStatus | undefined, after: ClusterStatus | undefined): boolean {
  if (!before || !after) return before === after;
  return (
    (before.status ?? "") === (after.status ?? "") &&
    (before.message ?? "") === (after.message ?? "") &&
    before.observedGeneration === after.observedGeneration &&
    before.remoteGeneration === after.remoteGeneration &&
    isDeepStrictEqual(before.remoteStatus, after.remoteStatus)
  );
}

/** Puts the entry there, or takes it away; a resource that is deleted meanwhile needs none. */
export async function writeEntry(
  hub: Kube,
  kind: MirroredKind,
  { apiVersion = "", kind: kindWord = "", metadata }: FederatedResource,
  site: string,
  entry: ClusterStatus | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { name = "", namespace } = metadata ?? {};
  const place = { name, ...(namespace !== undefined && { namespace }) };
  const own = { apiVersion, kind: kindWord, metadata: place, status: { clusters: entry ? [entry] : [] } };
  try {
    const ref = { resource: kind, ...place, subresource: "status" };
    await hub.apply(ref, own, { fieldManager: entryOwner(site), signal });
  } catch (error) {
    if (!(error instanceof KubeError) || error.status !== 404) throw error;
  }
}

/**
 * Replaces the whole status of the resource as it is known; false where it has
 * changed meanwhile, and nothing was written. One that is deleted needs none.
 * A plain write costs an API server half of what server-side apply does.
 */
export async function writeStatus(
  hub: Kube,
  kind: MirroredKind,
  { apiVersion = "", kind: kindWord = "", metadata = {} }: FederatedResource,
  status: FederatedStatus,
  signal: AbortSignal,
): Promise<boolean> {
  const { name = "", namespace, uid = "", resourceVersion = "" } = metadata;
  const place = { name, ...(namespace !== undefined && { namespace }) };
  const own = { apiVersion, kind: kindWord, metadata: { ...place, uid, resourceVersion }, status };
  try {
    const ref = { resource: kind, ...place, subresource: "status" };
    await hub.replace(ref, own, { fieldManager: "panopticon-hub", signal });
    return true;
  } catch (error) {
    if (!(error instanceof KubeError) || ![404, 409].includes(error.status)) throw error;
    return error.status === 404;
  }
}
