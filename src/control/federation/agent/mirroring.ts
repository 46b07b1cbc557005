/** What a site's mirror of an object becomes, by what the hub has and says of it. */
import { keyOf } from "#control/runtime/cache.ts";
import type { Context } from "#control/runtime/controller.ts";
import type { KubeObject } from "#ports/kube.ts";
import type { Mirror, MirrorSpec, ObjectKey } from "../api/mirror.ts";
import { buried } from "../deletion/tombstones.ts";
import { hashOf } from "./body.ts";
import { notBefore, specOf } from "./mirrors.ts";
import { joinKey, type MirroredKind } from "./resources.ts";
import type { Term } from "./term.ts";

/** The mirror of an object that the hub has; undefined where there is one already. */
export function present(
  key: ObjectKey,
  object: KubeObject,
  mirror: MirrorSpec | undefined,
  epoch: number,
): MirrorSpec | undefined {
  if (mirror?.hash === hashOf(object) && !mirror.tombstone) return undefined;
  const spec = specOf(key, object, epoch);
  return mirror ? { ...spec, ...notBefore(mirror, spec) } : spec;
}

/** What says that an object which the hub does not have was deleted there, and is not just missing. */
export interface Word {
  /** As the watch gave it when it told of the deletion: its revision is the deletion's. */
  readonly told: KubeObject | undefined;
  /** The hub's record of the deletion, as another site sees it. */
  readonly grave: MirrorSpec | undefined;
  /** Where the hub's API stands now. */
  readonly revision: () => Promise<string>;
}

/**
 * The tombstone of an object that the hub has no more; undefined where nothing
 * says that it was deleted. A site that has no mirror of it keeps the record
 * too: it may have made a copy and been killed before it could note that.
 */
export async function absent(
  mirror: MirrorSpec | undefined,
  { told, grave, revision }: Word,
  { holds, crown: { epoch }, clock }: Pick<Term, "holds" | "crown" | "clock">,
): Promise<MirrorSpec | undefined> {
  if (mirror?.tombstone) return undefined;
  if (mirror && (told || holds)) {
    const resourceVersion = told?.metadata?.resourceVersion ?? (await revision());
    const version = notBefore(mirror, { epoch, resourceVersion });
    return buried(mirror, version, clock.wall().toISOString());
  }
  if (holds || !grave?.tombstone) return undefined;
  if (!mirror) return grave;
  // A tombstone from before this very life of the object says nothing about it.
  const { epoch: dead, resourceVersion } = grave;
  const version = notBefore(mirror, { epoch: dead, resourceVersion });
  if (version.resourceVersion !== resourceVersion || dead < mirror.epoch) return undefined;
  const { body: _body, ...rest } = mirror;
  return { ...rest, ...version, tombstone: grave.tombstone };
}

/** The revision of a list of which the mirrors have every object as it is, and none more; undefined where they have not. */
export async function comparedUpTo(
  context: Context,
  kind: MirroredKind,
  mirrors: readonly Mirror[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const { items, resourceVersion } = await context.kube("hub").list({ resource: kind }, { signal });
  const listed = new Map(items.map((item) => [keyOf(item), hashOf({ ...headOf(kind), ...item })]));
  const alive = mirrors.filter(({ spec }) => !spec.tombstone);
  const same = alive.every(({ spec }) => listed.get(joinKey(spec)) === spec.hash);
  return same && alive.length === listed.size ? resourceVersion : undefined;
}

/** What lists leave out of their items. */
function headOf({ group, version, kind }: MirroredKind): KubeObject {
  return { apiVersion: group === "" ? version : `${group}/${version}`, kind };
}
