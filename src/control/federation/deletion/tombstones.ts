/** Deletions that every site has to make, and the end of their record. */
import { keyText, type MirrorSpec, type Tombstone } from "../api/mirror.ts";
import { DELETE_OPTION_ANNOTATION, ORPHAN_ANNOTATION } from "../api/names.ts";
import { at, isObject } from "../json.ts";
import { compareRevisions, compareVersions, type Version } from "../version.ts";

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
    ...(typeof options === "string" && { deleteOptions: options }),
  };
  return { ...rest, ...deleted, tombstone };
}

/** A tombstone as a site sees it at the hub. */
export interface Grave {
  /** Of the record itself, in the hub's count: a watch tells graves in the order of these. */
  readonly revision: string;
  /** Whether the site has nothing of it any more. */
  readonly done: boolean;
}

/**
 * Up to which revision a site has carried out every grave that the hub has
 * told it of; undefined where it has carried out none. One number a site, so
 * that nothing has to be written per deletion.
 */
export function confirmedUpTo(graves: Iterable<Grave>): string | undefined {
  let confirmed: string | undefined;
  for (const { revision, done } of [...graves].toSorted((left, right) =>
    compareRevisions(left.revision, right.revision),
  )) {
    if (!done) return confirmed;
    confirmed = revision;
  }
  return confirmed;
}

/**
 * Whether every site that there still is has carried it out: then nobody needs
 * the record. What a site said to the hub of another epoch counts for nothing,
 * because each hub counts by itself.
 * @param grave the epoch of the hub, and the revision of the record there
 * @param confirmed by site, what it has said last
 */
export function isSpent(
  grave: Version,
  confirmed: ReadonlyMap<string, Version>,
  sites: readonly string[],
): boolean {
  return sites.every((site) => {
    const said = confirmed.get(site);
    return said?.epoch === grave.epoch && compareVersions(said, grave) >= 0;
  });
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
