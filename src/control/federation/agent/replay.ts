/** What the hub deleted while this site's agent was away, as far back as the hub's API remembers. */
import { type Kube, KubeError, type KubeObject, type Resource } from "#ports/kube.ts";
import { CROWN_NAME } from "../api/names.ts";
import { CROWNS } from "./resources.ts";

/** The server tells at once what it remembers; it never says that this was all. */
const SECONDS = 2;

/**
 * By type, up to which revision the site had stored everything when its agent
 * was last heard, in this very epoch; empty where that was another one, or
 * can't be read.
 */
export async function storedUpTo(
  site: Kube,
  epoch: number,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  try {
    const has = (await site.get({ resource: CROWNS, name: CROWN_NAME }, { signal })).status?.has;
    return has?.epoch === epoch ? has.resourceVersions : {};
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    return {};
  }
}

/**
 * Objects that were deleted after a revision, each as it last was. Nothing
 * where the API has forgotten what was then, which is no failure: what the
 * agents have noted of deletions still holds.
 */
export async function deletedSince(
  hub: Kube,
  resource: Resource,
  resourceVersion: string,
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  const deleted: KubeObject[] = [];
  try {
    for await (const event of hub.watch({ resource }, { resourceVersion, timeoutSeconds: SECONDS, signal }))
      if (event.type === "deleted") deleted.push(event.object);
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
  }
  return deleted;
}
