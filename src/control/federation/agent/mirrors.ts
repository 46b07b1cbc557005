/** Reading and writing a site's mirrors. */
import type { Cache } from "#control/runtime/cache.ts";
import { apiPath, type Kube, type KubeObject, type Resource } from "#ports/kube.ts";
import { type Mirror, type MirrorSpec, mirrorName, type ObjectKey } from "../api/mirror.ts";
import {
  DELETE_OPTION_ANNOTATION,
  FEDERATION_GROUP,
  ORPHAN_ANNOTATION,
  TOMBSTONE_LABEL,
} from "../api/names.ts";
import { compareRevisions, type Version } from "../version.ts";
import type { Cluster } from "../place/placement.ts";
import { bodyOf, hashOf } from "./body.ts";
import { CLUSTERS, kindName, MIRRORS } from "./resources.ts";

export interface MirrorStore {
  /** The newest that is known: our own last write, where the watch has not told of it yet. */
  get(name: string): Mirror | undefined;
  put(spec: MirrorSpec, signal?: AbortSignal): Promise<void>;
}

export function openMirrorStore(kube: Kube, cache: Pick<Cache<Mirror>, "get">): MirrorStore {
  const written = new Map<string, Mirror>();
  const get = (name: string): Mirror | undefined => {
    const [own, seen] = [written.get(name), cache.get(name)];
    if (!own) return seen;
    const caughtUp = seen && compareRevisions(revisionIn(seen), revisionIn(own)) >= 0;
    if (caughtUp) written.delete(name);
    return caughtUp ? seen : own;
  };
  return {
    get,
    async put(spec, signal) {
      const name = mirrorName(spec);
      const before = get(name);
      const mirror = mirrorOf(spec, before);
      const options = signal ? { signal } : {};
      try {
        written.set(
          name,
          before
            ? await kube.replace({ resource: MIRRORS, name }, mirror, options)
            : await kube.create({ resource: MIRRORS }, mirror, options),
        );
      } catch (error) {
        written.delete(name);
        throw error;
      }
    },
  };
}

export function revisionIn({ metadata }: KubeObject): string {
  return metadata?.resourceVersion ?? "0";
}

/** @param before what is there, which it replaces */
export function mirrorOf(spec: MirrorSpec, before: Mirror | undefined): Mirror {
  const { uid, resourceVersion } = before?.metadata ?? {};
  return {
    apiVersion: `${FEDERATION_GROUP}/v1`,
    kind: "Mirror",
    metadata: {
      name: mirrorName(spec),
      ...(spec.tombstone && { labels: { [TOMBSTONE_LABEL]: "true" } }),
      ...(before && { uid, resourceVersion }),
    },
    spec,
  };
}

/** What a mirror of this object holds. */
export function specOf(key: ObjectKey, object: KubeObject, epoch: number): MirrorSpec {
  const { uid = "", resourceVersion = "0" } = object.metadata ?? {};
  return { ...key, uid, resourceVersion, epoch, hash: hashOf(object), body: bodyOf(object) };
}

/** Where an API stands now in its count of changes, asked of its store and not of a cache. */
export async function revisionOf(kube: Kube, resource: Resource, signal?: AbortSignal): Promise<string> {
  const path = `${apiPath({ resource })}?limit=1`;
  const { status, text } = await kube.raw(path, signal ? { signal } : {});
  const version = status === 200 ? (JSON.parse(text) as KubeObject).metadata?.resourceVersion : undefined;
  if (version === undefined) throw new Error(`${path} was answered with HTTP ${status}`);
  return version;
}

/** A version of this epoch that does not go behind what the mirror has: older news never replaces newer. */
export function notBefore(mirror: Version, version: Version): Version {
  const older =
    mirror.epoch === version.epoch && compareRevisions(mirror.resourceVersion, version.resourceVersion) > 0;
  return older ? { epoch: mirror.epoch, resourceVersion: mirror.resourceVersion } : version;
}

/** Copies of a resource that is marked so stay where it is no longer placed, too. */
export function isOrphaned({ spec }: Mirror): boolean {
  return metadataOf(spec)?.annotations?.[ORPHAN_ANNOTATION] === "true";
}

/** DeleteOptions as JSON, for its copies. */
export function deleteOptionOf({ spec }: Mirror): string | undefined {
  return metadataOf(spec)?.annotations?.[DELETE_OPTION_ANNOTATION];
}

/** The site as placement sees it, by its mirrors; undefined where they do not have it yet. */
export function ownCluster(cache: Cache<Mirror>, site: string): Cluster | undefined {
  const mirror = cache.by("type", kindName(CLUSTERS)).find(({ spec }) => spec.name === site && spec.body);
  const labels = (mirror && metadataOf(mirror.spec))?.labels ?? {};
  return mirror && { name: site, labels };
}

function metadataOf({ body }: Mirror["spec"]): KubeObject["metadata"] {
  const object: KubeObject | undefined = body;
  return object?.metadata;
}
