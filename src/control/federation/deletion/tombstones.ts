/** Deletions that every site has to make, and the end of their record. */
import { keyText, type MirrorSpec, type Tombstone } from "../api/mirror.ts";
import { DELETE_OPTION_ANNOTATION, ORPHAN_ANNOTATION } from "../api/names.ts";
import { at, isObject } from "../json.ts";
import type { Version } from "../version.ts";

/**
 * A mirror whose object has been deleted at the hub. Only the holder's own
 * agent may conclude that from an object's absence in a list, because it lists
 * the very API that deletions are made at; every other site goes by tombstones.
 * @param deleted of the deletion
 */
export function buried(mirror: MirrorSpec, deleted: Version, deletedAt: string): MirrorSpec {
  const { body, tombstone: _tombstone, ...rest } = mirror;
  const annotations = at(body, "metadata", "annotations");
  const options = isObject(annotations) ? annotations[DELETE_OPTION_ANNOTATION] : undefined;
  const tombstone: Tombstone = {
    deletedAt,
    orphan: isObject(annotations) && annotations[ORPHAN_ANNOTATION] === "true",
    confirmedBy: [],
    ...(typeof options === "string" && { deleteOptions: options }),
  };
  return { ...rest, ...deleted, tombstone };
}

/** Notes that a site has nothing of it any more; the very same tombstone where that is known. */
export function confirmed(tombstone: Tombstone, site: string): Tombstone {
  if (tombstone.confirmedBy.includes(site)) return tombstone;
  return { ...tombstone, confirmedBy: [...tombstone.confirmedBy, site].toSorted() };
}

/** Whether every site that there still is has confirmed it: then nobody needs the record. */
export function isSpent(tombstone: Tombstone, sites: readonly string[]): boolean {
  return sites.every((site) => tombstone.confirmedBy.includes(site));
}

export interface Absences {
  /** Gone at the hub, with a tombstone to say so. */
  readonly deleted: readonly MirrorSpec[];
  /** Not in the hub's list and no tombstone either: kept as they are, and told. */
  readonly unexplained: readonly MirrorSpec[];
}

/** What a full list of the hub says of the mirrors whose objects are not in it. */
export function absences(
  mirrors: Iterable<MirrorSpec>,
  listed: ReadonlySet<string>,
  tombstones: ReadonlySet<string>,
): Absences {
  const absent = [...mirrors].filter((mirror) => !mirror.tombstone && !listed.has(keyText(mirror)));
  return {
    deleted: absent.filter((mirror) => tombstones.has(keyText(mirror))),
    unexplained: absent.filter((mirror) => !tombstones.has(keyText(mirror))),
  };
}
