/** What happens to a site's API when the crown comes to it, or goes from it. */
import { keyOf } from "#control/runtime/cache.ts";
import { type Kube, KubeError, type KubeObject } from "#ports/kube.ts";
import { type Conflict, conflictName, type ConflictSpec } from "../api/conflict.ts";
import type { CrownSpec } from "../api/crown.ts";
import type { Definition } from "../api/definition.ts";
import { federatedTypeFor } from "../api/enable.ts";
import { keyText, type Mirror, type MirrorSpec, mirrorName } from "../api/mirror.ts";
import { FEDERATION_GROUP } from "../api/names.ts";
import type { FederatedTypeConfig } from "../api/type-config.ts";
import { conflictsOf } from "../crown/conflicts.ts";
import { isInherited } from "../crown/epoch.ts";
import { buried } from "../deletion/tombstones.ts";
import { hashOf } from "./body.ts";
import { served, unlessThere } from "./install.ts";
import { type MirrorStore, notBefore, openMirrorStore, revisionOf, specOf } from "./mirrors.ts";
import {
  CONFLICTS,
  DEFINITIONS,
  federatedKindOf,
  FIXED_KINDS,
  joinKey,
  kindName,
  type MirroredKind,
  MIRRORS,
  NAMESPACES,
  SITE_ACCESSES,
  splitKey,
  TYPE_CONFIGS,
} from "./resources.ts";

const AT_ONCE = 16;

/** All that a hub's API holds of one kind; undefined where the API does not know it. */
interface Listed {
  readonly kind: MirroredKind;
  readonly objects: readonly KubeObject[];
  readonly resourceVersion: string;
}

/**
 * Keeps in the site's mirrors what its API holds as the hub of an epoch: what
 * its agent has not mirrored before a newer crowning was heard of is found
 * here, and by it the writes that nobody else has.
 */
export async function packAway(site: Kube, epoch: number, at: string): Promise<void> {
  const { mirrors, store } = await readMirrors(site);
  for (const { kind, objects, resourceVersion } of await listHub(site)) {
    const there = new Map(objects.map((object) => [keyOf(object), object]));
    await each([...there], async ([key, object]) => {
      const spec = specOf({ ...kind, ...splitKey(key) }, object, epoch);
      const mirror = store.get(mirrorName(spec))?.spec;
      if (mirror?.hash === spec.hash && !mirror.tombstone) return;
      await store.put(mirror ? { ...spec, ...notBefore(mirror, spec) } : spec);
    });
    const gone = mirrors.filter(
      ({ spec }) => kindName(spec) === kindName(kind) && !spec.tombstone && !there.has(joinKey(spec)),
    );
    await each(gone, ({ spec }) => store.put(buried(spec, { epoch, resourceVersion }, at)));
  }
}

/**
 * Makes the site's API a hub from its mirrors. What the API has of a time when
 * it was a hub before, and the mirrors have not, goes.
 */
export async function unpack(site: Kube): Promise<void> {
  const { mirrors } = await readMirrors(site);
  const alive = mirrors.filter(({ spec }) => spec.body);
  const configs = alive.filter(({ spec }) => spec.plural === TYPE_CONFIGS.plural);
  for (const { spec } of configs) await ensureType(site, spec.body as FederatedTypeConfig);
  const namespaces = new Set(alive.map(({ spec }) => spec.namespace).filter((name) => name !== ""));
  await each([...namespaces], async (name) => {
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
    await unlessThere(site.create({ resource: NAMESPACES }, namespace));
  });
  await each(alive, ({ spec }) => served(() => unpackOne(site, spec)));
  const wanted = new Set(alive.map(({ spec }) => keyText(spec)));
  for (const { kind, objects } of await listHub(site)) {
    const extra = objects.filter((object) => !wanted.has(keyText({ ...kind, ...splitKey(keyOf(object)) })));
    await each(extra, async (object) => {
      const { namespace, name } = splitKey(keyOf(object));
      await site.delete({ resource: kind, name, ...(namespace !== "" && { namespace }) });
    });
  }
}

async function unpackOne(site: Kube, spec: MirrorSpec): Promise<void> {
  const place = { resource: spec, ...(spec.namespace !== "" && { namespace: spec.namespace }) };
  const ref = { ...place, name: spec.name };
  const body = spec.body as KubeObject;
  const present = await site.find(ref);
  if (!present) await unlessThere(site.create(place, body));
  else if (hashOf(present) !== spec.hash) {
    await site.replace(ref, inPlaceOf(present, body));
  }
}

async function ensureType(
  site: Kube,
  { spec: { targetType, federatedType } }: FederatedTypeConfig,
): Promise<void> {
  const { group = "", version, kind, pluralName: plural, scope } = targetType;
  const target = { group, version, kind, plural, namespaced: scope === "Namespaced" };
  const { crd } = federatedTypeFor(target, federatedType.group);
  if (await site.find<Definition>({ resource: DEFINITIONS, name: crd.metadata?.name ?? "" })) return;
  await unlessThere(site.create({ resource: DEFINITIONS }, crd));
}

/**
 * Keeps as conflicts, at the site and at the hub, what the site's mirrors have
 * and the hub it is about to follow has not inherited. A write that the hub
 * does not have gets a tombstone here: its body is in the conflict.
 */
export async function keepConflicts(
  site: Kube,
  hub: Kube,
  { name, crown, at }: { readonly name: string; readonly crown: CrownSpec; readonly at: string },
): Promise<number> {
  const { mirrors, store } = await readMirrors(site);
  const strays = mirrors.filter(({ spec }) => !isInherited(crown.history, spec, kindName(spec)));
  if (strays.length > 0) {
    const state = new Map<string, string>();
    for (const { kind, objects } of await listHub(hub))
      for (const object of objects)
        state.set(keyText({ ...kind, ...splitKey(keyOf(object)) }), hashOf(object));
    const specs = strays.map(({ spec }) => spec);
    // What agents let each other in with is nobody's decision: they write it anew.
    const decided = specs.filter(({ plural }) => plural !== SITE_ACCESSES.plural);
    const found = conflictsOf(name, decided, state, crown, kindName, at);
    await each(found, (spec) => keepOne(site, spec));
    await each(found, (spec) => keepOne(hub, spec));
    const ghosts = specs.filter((spec) => !spec.tombstone && !state.has(keyText(spec)));
    await each(ghosts, async (spec) => {
      const version = { epoch: crown.epoch, resourceVersion: await revisionOf(hub, spec) };
      await store.put(buried(spec, version, at));
    });
  }
  const own = (await site.list({ resource: CONFLICTS })).items.filter(
    ({ spec, status }) => spec.site === name && !status,
  );
  await each(own, ({ spec }) => keepOne(hub, spec));
  return strays.length;
}

async function keepOne(kube: Kube, spec: ConflictSpec): Promise<void> {
  const metadata = { name: conflictName(spec) };
  const conflict: Conflict = { apiVersion: `${FEDERATION_GROUP}/v1`, kind: "Conflict", metadata, spec };
  await unlessThere(kube.create({ resource: CONFLICTS }, conflict));
}

async function readMirrors(site: Kube): Promise<{ mirrors: readonly Mirror[]; store: MirrorStore }> {
  const { items } = await site.list({ resource: MIRRORS });
  const known = new Map(items.map((mirror) => [mirror.metadata?.name ?? "", mirror]));
  return { mirrors: items, store: openMirrorStore(site, known) };
}

/** Everything that sites mirror; kinds that the API does not serve are left out. */
async function listHub(hub: Kube): Promise<readonly Listed[]> {
  const listed: Listed[] = [];
  const add = async (kind: MirroredKind): Promise<readonly KubeObject[]> => {
    const { group, version } = kind;
    const head = { apiVersion: group === "" ? version : `${group}/${version}`, kind: kind.kind };
    const list = await whereServed(hub.list({ resource: kind }));
    if (!list) return [];
    const objects = list.items.map((item) => ({ ...head, ...item }));
    listed.push({ kind, objects, resourceVersion: list.resourceVersion });
    return objects;
  };
  for (const kind of FIXED_KINDS) {
    const objects = await add(kind);
    if (kind.plural !== TYPE_CONFIGS.plural) continue;
    for (const config of objects) await add(federatedKindOf(config as FederatedTypeConfig));
  }
  return listed;
}

async function whereServed<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return undefined;
    throw error;
  }
}

async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let index = 0; index < items.length; index += AT_ONCE)
    await Promise.all(items.slice(index, index + AT_ONCE).map(work));
}

/** A body as it replaces what is there now, and nothing newer. */
export function inPlaceOf({ metadata = {} }: KubeObject, body: KubeObject): KubeObject {
  const { uid, resourceVersion } = metadata;
  return {
    ...body,
    metadata: { ...body.metadata, ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) },
  };
}
