/** Copies the hub's objects into the site's own API, and says how far it has come. */
import type { Change } from "#control/runtime/cache.ts";
import type { Context, Controller, Input } from "#control/runtime/controller.ts";
import { keyOf } from "#control/runtime/cache.ts";
import type { Work } from "#control/runtime/queue.ts";
import type { KubeObject } from "#ports/kube.ts";
import type { Crown } from "../api/crown.ts";
import { type Mirror, type MirrorSpec, mirrorName, type ObjectKey } from "../api/mirror.ts";
import { CROWN_NAME, TOMBSTONE_LABEL } from "../api/names.ts";
import type { FederatedTypeConfig } from "../api/type-config.ts";
import { buried } from "../deletion/tombstones.ts";
import { compareRevisions, compareVersions } from "../version.ts";
import { hashOf } from "./body.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { type MirrorStore, mirrorOf, notBefore, openMirrorStore, revisionOf, specOf } from "./mirrors.ts";
import {
  CROWNS,
  federatedKindOf,
  FIXED_KINDS,
  joinKey,
  kindName,
  type MirroredKind,
  MIRRORS,
  splitKey,
  TYPE_CONFIGS,
} from "./resources.ts";
import type { Term } from "./term.ts";
import { openTypeWatch } from "./type-watch.ts";

const CHECKPOINT_SECONDS = 1;
/** Between two comparisons of everything, while the crown waits to be handed over to this site. */
const HANDOVER_SECONDS = 0.3;
const NOT_LISTED_YET = { afterSeconds: 0.2 };
/** A watch on which nothing happens says once a minute how far it is. */
const BEHIND = { afterSeconds: 10 };
const CHECKPOINT: Work = { group: "checkpoint", key: CROWN_NAME };

/**
 * @param ready resolves when the hub may be copied from: it is open in this
 * epoch, and writes that it does not have are kept as conflicts.
 */
export function mirrorController(term: Term, ready: (context: Context) => Promise<void>): Controller {
  const { epoch } = term.crown;
  const checkpoint = openCheckpoint(epoch);
  // What came and went before it was mirrored: its deletion must be known where it arrived.
  const vanished = new Map<string, KubeObject>();
  const noted = (type: string, { type: change, object, previous }: Change<KubeObject>): Work => {
    const key = keyOf(object);
    // What is only missing in a list may be so because the hub has lost everything.
    const told = change === "deleted" && object !== previous;
    if (told && term.holds) vanished.set(`${type} ${key}`, object);
    checkpoint.seen(type, key, object.metadata?.resourceVersion ?? "0");
    return { group: type, key };
  };
  const fixed = FIXED_KINDS.map((kind): readonly [MirroredKind, Input] => [
    kind,
    {
      cluster: "hub",
      resource: kind,
      *work(change) {
        yield noted(kindName(kind), change);
        if (kind.plural === TYPE_CONFIGS.plural) yield { group: "types", key: keyOf(change.object) };
      },
    },
  ]);
  const configs = fixed[0]?.[1] as Input<FederatedTypeConfig>;
  const types = openTypeWatch<KubeObject>({
    cluster: "hub",
    resourceOf: federatedKindOf,
    work: (change, type) => [noted(type, change)],
  });
  // An object that is missing at the hub is noticed by its mirror.
  const mirrors: Input<Mirror> = {
    cluster: "site",
    resource: MIRRORS,
    work: ({ object }) => [{ group: kindName(object.spec), key: joinKey(object.spec) }],
  };
  const tombstones: Input<Mirror> = {
    cluster: "hub",
    resource: MIRRORS,
    labelSelector: TOMBSTONE_LABEL,
    work: ({ object }) => [{ group: kindName(object.spec), key: joinKey(object.spec) }],
  };
  const crowns: Input<Crown> = { cluster: "hub", resource: CROWNS, work: () => [CHECKPOINT] };
  let store: MirrorStore;
  let told = "";

  const cacheOf = (context: Context, type: string) => {
    const own = fixed.find(([kind]) => kindName(kind) === type);
    if (own) return { kind: own[0], cache: context.cache(own[1]) };
    const watched = types.get(type);
    return watched && { kind: federatedKindOf(watched.config), cache: watched.cache };
  };
  const tellCheckpoint = async (context: Context, signal: AbortSignal): Promise<void> => {
    const has = checkpoint.value();
    const text = JSON.stringify(has);
    if (text === told) return;
    const site = context.kube("site");
    const ref = { resource: CROWNS, name: CROWN_NAME };
    const before = (await site.get(ref, { signal })).status?.has?.resourceVersions ?? {};
    const gone = Object.fromEntries(Object.keys(before).map((type) => [type, null]));
    const resourceVersions = { ...gone, ...has.resourceVersions };
    const status = { has: { epoch: has.epoch, resourceVersions } };
    await site.patch({ ...ref, subresource: "status" }, { status }, { signal });
    told = text;
  };
  const reconcileCheckpoint = async (context: Context, signal: AbortSignal) => {
    const crown = context.cache(crowns).get(CROWN_NAME);
    const handover = crown?.spec.frozen?.to === term.site && crown.spec.epoch === epoch && !term.holds;
    if (handover) {
      for (const type of [
        ...fixed.map(([kind]) => kindName(kind)),
        ...[...types.all].map(([name]) => name),
      ]) {
        const kind = cacheOf(context, type)?.kind;
        const known = [...context.cache(mirrors).list()].filter(({ spec }) => kindName(spec) === type);
        const revision = kind && (await comparedUpTo(context, kind, known, signal));
        if (revision !== undefined) checkpoint.complete(type, revision);
      }
    }
    await tellCheckpoint(context, signal);
    return { afterSeconds: handover ? HANDOVER_SECONDS : CHECKPOINT_SECONDS };
  };

  /** Whether nothing older than the hub's record of a deletion can come here any more. */
  const settle = (record: Mirror, mirror: MirrorSpec | undefined, revision: string) => {
    const { name = "", resourceVersion = "0" } = record.metadata ?? {};
    const copied = mirror?.tombstone !== undefined && compareVersions(mirror, record.spec) === 0;
    if (!copied && compareRevisions(revision, resourceVersion) < 0) return BEHIND;
    term.graves.settled(name, resourceVersion);
    return undefined;
  };
  /** Of a type that is federated no more only the deletions are of interest. */
  const settleUnwatched = async ({ group, key }: Work, context: Context, signal: AbortSignal) => {
    if (term.holds) return undefined;
    const records = [...context.cache(tombstones).list()];
    const record = records.find(({ spec }) => kindName(spec) === group && joinKey(spec) === key);
    const mirror = record && store.get(record.metadata?.name ?? "")?.spec;
    if (!record) return undefined;
    const spec = await absent(mirror, record.spec, term, () => Promise.resolve("0"));
    if (spec) await store.put(spec, signal);
    return settle(record, spec ?? mirror, context.cache(configs).revision);
  };

  const keep = async (spec: MirrorSpec, signal: AbortSignal): Promise<void> => {
    const name = mirrorName(spec);
    if (!spec.body) term.fresh.forget(name);
    else if (types.get(kindName(spec))) term.fresh.add(mirrorOf(spec, undefined));
    try {
      await store.put(spec, signal);
    } catch (error) {
      term.fresh.forget(name);
      throw error;
    }
  };

  return {
    name: "mirror",
    inputs: [...fixed.map(([, input]) => input), mirrors, crowns, ...(term.holds ? [] : [tombstones])],
    outputs: [{ cluster: "site", group: MIRRORS.group, plural: MIRRORS.plural, part: "copies of the hub" }],
    async start(context) {
      store = openMirrorStore(context.kube("site"), context.cache(mirrors));
      if (!term.holds)
        term.graves.outstanding = () =>
          [...context.cache(tombstones).list()]
            .map(({ metadata }) => metadata?.name ?? "")
            .filter((name) => !term.graves.hasCarriedOut(name) && store.get(name) !== undefined);
      await ready(context);
    },
    async reconcile(work, context, signal) {
      const { group, key } = work;
      if (group === "types") {
        for (const type of types.sync(context, context.cache(configs).list()))
          for (const { spec } of context.cache(mirrors).list())
            if (kindName(spec) === type) context.add({ group: type, key: joinKey(spec) });
        return undefined;
      }
      if (group === CHECKPOINT.group) return reconcileCheckpoint(context, signal);
      const source = cacheOf(context, group);
      if (!source) return settleUnwatched(work, context, signal);
      if (!source.cache.synced) return NOT_LISTED_YET;
      const objectKey: ObjectKey = { ...onlyKind(source.kind), ...splitKey(key) };
      const name = mirrorName(objectKey);
      const object = source.cache.get(key);
      const last = object ? undefined : vanished.get(`${group} ${key}`);
      const mirror = store.get(name)?.spec ?? (last && specOf(objectKey, last, epoch));
      const record = term.holds ? undefined : context.cache(tombstones).get(name);
      const grave = record?.spec;
      const spec = object
        ? present(objectKey, object, mirror, epoch)
        : await absent(mirror, grave, term, () => revisionOf(context.kube("hub"), source.kind, signal));
      if (spec) await keep(spec, signal);
      vanished.delete(`${group} ${key}`);
      const revision = object?.metadata?.resourceVersion ?? spec?.resourceVersion;
      // A deletion counts as stored only once there is a tombstone.
      if (object || spec || mirror?.tombstone || !mirror) checkpoint.stored(group, key, revision);
      if (!record || object) return undefined;
      return settle(record, spec ?? mirror, source.cache.revision);
    },
  };
}

function onlyKind({ group, version, kind, plural }: MirroredKind): MirroredKind {
  return { group, version, kind, plural };
}

/** The mirror of an object that the hub has; undefined where there is one already. */
function present(
  key: ObjectKey,
  object: KubeObject,
  mirror: MirrorSpec | undefined,
  epoch: number,
): MirrorSpec | undefined {
  if (mirror?.hash === hashOf(object) && !mirror.tombstone) return undefined;
  const spec = specOf(key, object, epoch);
  return mirror ? { ...spec, ...notBefore(mirror, spec) } : spec;
}

/** The tombstone of an object that the hub has no more; undefined where nothing says that it was deleted. */
async function absent(
  mirror: MirrorSpec | undefined,
  grave: MirrorSpec | undefined,
  { holds, crown: { epoch }, clock }: Term,
  revision: () => Promise<string>,
): Promise<MirrorSpec | undefined> {
  if (!mirror || mirror.tombstone) return undefined;
  if (holds) {
    const version = { epoch, resourceVersion: await revision() };
    return buried(mirror, version, clock.wall().toISOString());
  }
  if (!grave?.tombstone) return undefined;
  // A tombstone from before this very life of the object says nothing about it.
  const { epoch: dead, resourceVersion } = grave;
  const version = notBefore(mirror, { epoch: dead, resourceVersion });
  if (version.resourceVersion !== resourceVersion || dead < mirror.epoch) return undefined;
  const { body: _body, ...rest } = mirror;
  return { ...rest, ...version, tombstone: grave.tombstone };
}

/** The revision of a list of which the mirrors have every object as it is, and none more; undefined where they have not. */
async function comparedUpTo(
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
