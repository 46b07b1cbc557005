/** Copies the hub's objects into the site's own API, and says how far it has come. */
import type { Change } from "#control/runtime/cache.ts";
import type { Context, Controller, Input } from "#control/runtime/controller.ts";
import { keyOf } from "#control/runtime/cache.ts";
import type { Work } from "#control/runtime/queue.ts";
import type { KubeObject } from "#ports/kube.ts";
import type { Crown } from "../api/crown.ts";
import { type Mirror, type MirrorSpec, mirrorName } from "../api/mirror.ts";
import { CROWN_NAME, TOMBSTONE_LABEL } from "../api/names.ts";
import type { FederatedTypeConfig } from "../api/type-config.ts";
import { compareRevisions, compareVersions } from "../version.ts";
import { openBacklog } from "./backlog.ts";
import { inheritHash } from "./body.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { deletedSince, storedUpTo } from "./replay.ts";
import { absent, comparedUpTo, present } from "./mirroring.ts";
import { type MirrorStore, mirrorOf, openMirrorStore, revisionIn, revisionOf, specOf } from "./mirrors.ts";
import {
  CROWNS,
  federatedKindOf,
  FIXED_KINDS,
  joinKey,
  kindName,
  type MirroredKind,
  MIRRORS,
  objectKeyOf,
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
const REPLAY = "replay";
const CHECKPOINT: Work = { group: "checkpoint", key: CROWN_NAME };

/**
 * @param ready resolves when the hub may be copied from: it is open in this
 * epoch, and writes that it does not have are kept as conflicts.
 */
export function mirrorController(term: Term, ready: (context: Context) => Promise<void>): Controller {
  const { epoch } = term.crown;
  const checkpoint = openCheckpoint(epoch);
  // Deletions that the hub's watch has told of. What is only missing in a list
  // may be so because the hub has lost everything.
  const deleted = new Map<string, KubeObject>();
  const backlog = openBacklog(term.clock, term.fresh);
  let opened = false;
  const noted = (type: string, { type: change, object, previous }: Change<KubeObject>): Work => {
    const key = keyOf(object);
    if (change !== "deleted") deleted.delete(`${type} ${key}`);
    else if (object !== previous && opened) deleted.set(`${type} ${key}`, object);
    if (change === "modified") inheritHash(previous, object);
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
  let storedBefore: Readonly<Record<string, string>> = {};

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
    const before = (await site.get(ref, { signal })).status?.has;
    // What was stored in this epoch stays stored, although this agent has not looked at it yet.
    const federated = [...context.cache(configs).list()].map((one) => kindName(federatedKindOf(one)));
    const mirrored = new Set([...FIXED_KINDS.map(kindName), ...federated]);
    const isGone = (type: string): boolean => before?.epoch !== has.epoch || !mirrored.has(type);
    const known = Object.keys(before?.resourceVersions ?? {});
    const gone = Object.fromEntries(known.filter(isGone).map((type) => [type, null]));
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
    const word = { told: undefined, grave: record.spec, revision: () => Promise.resolve("0") };
    const spec = mirror && (await absent(mirror, word, term));
    if (spec) await store.put(spec, signal);
    return settle(record, spec ?? mirror, context.cache(configs).revision);
  };

  /** Applied at once, while it is stored or waits for that. */
  const hold = (spec: MirrorSpec): void => {
    backlog.hold(spec);
    term.fresh.add(mirrorOf(spec, undefined));
  };
  /** What came and went while this agent was away would leave its copies where it arrived. */
  const replay = async (type: string, context: Context, signal: AbortSignal) => {
    const watched = types.get(type);
    if (!watched) return undefined;
    if (!watched.cache.synced) return NOT_LISTED_YET;
    const since = storedBefore[type];
    if (since === undefined) return undefined;
    const resource = federatedKindOf(watched.config);
    for (const object of await deletedSince(context.kube("hub"), resource, since, signal)) {
      const key = keyOf(object);
      if (watched.cache.get(key)) continue;
      const known = deleted.get(`${type} ${key}`);
      if (known && compareRevisions(revisionIn(known), revisionIn(object)) >= 0) continue;
      deleted.set(`${type} ${key}`, object);
      context.add({ group: type, key });
    }
    return undefined;
  };
  const keep = async (spec: MirrorSpec, signal: AbortSignal): Promise<void> => {
    const name = mirrorName(spec);
    if (!spec.body) term.fresh.forget(name);
    try {
      await store.put(spec, signal);
    } catch (error) {
      term.fresh.forget(name);
      throw error;
    } finally {
      backlog.done(name);
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
      storedBefore = await storedUpTo(context.kube("site"), epoch, context.signal);
      opened = true;
    },
    async reconcile(work, context, signal) {
      const { group, key } = work;
      if (group === "types") {
        for (const type of types.sync(context, context.cache(configs).list())) {
          for (const { spec } of context.cache(mirrors).list())
            if (kindName(spec) === type) context.add({ group: type, key: joinKey(spec) });
          context.add({ group: REPLAY, key: type });
        }
        return undefined;
      }
      if (group === REPLAY) return replay(key, context, signal);
      if (group === CHECKPOINT.group) return reconcileCheckpoint(context, signal);
      const source = cacheOf(context, group);
      if (!source) return settleUnwatched(work, context, signal);
      if (!source.cache.synced) return NOT_LISTED_YET;
      const objectKey = objectKeyOf(source.kind, key);
      const name = mirrorName(objectKey);
      const object = source.cache.get(key);
      const told = object ? undefined : deleted.get(`${group} ${key}`);
      const known = backlog.get(name) ?? store.get(name)?.spec;
      const record = term.holds ? undefined : context.cache(tombstones).get(name);
      const change = object
        ? present(objectKey, object, known, epoch)
        : await absent(
            // It came and went before it was mirrored: its deletion must be known where it arrived.
            known ?? (told && specOf(objectKey, told, epoch)),
            {
              told,
              grave: record?.spec,
              revision: () => revisionOf(context.kube("hub"), source.kind, signal),
            },
            term,
          );
      if (change?.body && types.get(group)) hold(change);
      // What is in a namespace is placed by the namespace's mirror.
      const afterSeconds = object && objectKey.kind !== "FederatedNamespace" ? backlog.wait(name) : 0;
      if (afterSeconds > 0) return { afterSeconds };
      const spec = change ?? backlog.get(name);
      if (spec) await keep(spec, signal);
      if (told) deleted.delete(`${group} ${key}`);
      const mirror = spec ?? known;
      const revision = object?.metadata?.resourceVersion ?? spec?.resourceVersion;
      // A deletion counts as stored only once there is a tombstone.
      if (object || spec || mirror?.tombstone || !mirror) checkpoint.stored(group, key, revision);
      if (!record || object) return undefined;
      return settle(record, mirror, source.cache.revision);
    },
  };
}
