/** What a site that comes back holds, and the crowned hub does not: kept as conflicts, never dropped. */
import type { ConflictSpec } from "../api/conflict.ts";
import type { CrownSpec } from "../api/crown.ts";
import { keyText, type MirrorSpec, type ObjectKey } from "../api/mirror.ts";
import { isInherited } from "./epoch.ts";

/** The crowned hub's objects by `keyText`: the digest of each. */
export type HubState = ReadonlyMap<string, string>;

/**
 * The conflicts of a site's mirrors with the hub it is about to follow. Of a
 * returning hub these are the writes it took after its successor's mirror had
 * ended; of a member, those that reached it from a hub that was then deposed
 * and may never return. A write that the hub has too is none, nor is one that
 * the hub once had and went on from.
 * @param typeOf the `plural.group` under which the history counts an object's revisions
 * @param at RFC 3339
 */
export function conflictsOf(
  site: string,
  mirrors: Iterable<MirrorSpec>,
  hub: HubState,
  crown: CrownSpec,
  typeOf: (key: ObjectKey) => string,
  at: string,
): readonly ConflictSpec[] {
  const found: ConflictSpec[] = [];
  for (const mirror of mirrors) {
    if (isInherited(crown.history, mirror, typeOf(mirror))) continue;
    const there = hub.get(keyText(mirror));
    const same = mirror.tombstone ? there === undefined : there === mirror.hash;
    if (!same) found.push(conflictOf(site, mirror, at));
  }
  return found;
}

function conflictOf(site: string, mirror: MirrorSpec, foundAt: string): ConflictSpec {
  const { uid: _uid, body, tombstone, ...rest } = mirror;
  return {
    ...rest,
    site,
    foundAt,
    operation: tombstone ? "Delete" : "Write",
    ...(body !== undefined && !tombstone && { body }),
  };
}

/** What resolving a conflict does at the hub; nothing where it is discarded. */
export type Resolution =
  | { readonly do: "write"; readonly body: object }
  | { readonly do: "delete" }
  | { readonly do: "nothing" };

/** Undefined until somebody has decided. */
export function resolve(conflict: ConflictSpec): Resolution | undefined {
  if (conflict.resolution === undefined) return undefined;
  if (conflict.resolution === "Discard") return { do: "nothing" };
  return conflict.operation === "Delete" ? { do: "delete" } : { do: "write", body: conflict.body ?? {} };
}
