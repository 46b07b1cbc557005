/** What a mirror keeps of an object: all that its author said, nothing that an API server or a status adds. */
import { sha256, stableJson } from "#base/hash.ts";
import { isDeepStrictEqual } from "node:util";
import type { KubeObject } from "#ports/kube.ts";

const digests = new WeakMap<KubeObject, string>();

/** The object without status and without what its API server adds. */
export function bodyOf(object: KubeObject): KubeObject {
  const { status: _status, metadata = {}, ...rest } = object as KubeObject & { readonly status?: unknown };
  const { name, namespace, labels, annotations, finalizers } = metadata;
  const kept = { name, namespace, labels, annotations, finalizers };
  const set = Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined));
  return { ...rest, metadata: set };
}

/** Digest of the body; each object is digested once. */
export function hashOf(object: KubeObject): string {
  const known = digests.get(object);
  if (known !== undefined) return known;
  const hash = sha256(stableJson(bodyOf(object)));
  digests.set(object, hash);
  return hash;
}

/**
 * Spares a change of the status alone, of which every object has several, the
 * digest: API servers count changes of what is neither metadata nor status as
 * `generation`.
 */
export function inheritHash(before: KubeObject, after: KubeObject): void {
  const known = digests.get(before);
  const generation = after.metadata?.generation;
  if (known === undefined || generation === undefined || generation !== before.metadata?.generation) return;
  if (before.metadata?.uid !== after.metadata?.uid) return;
  if (isDeepStrictEqual(bodyOf(before).metadata, bodyOf(after).metadata)) digests.set(after, known);
}
