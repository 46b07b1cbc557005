/**
 * A simulated site's own API, in memory: keeps what the site's agent writes and
 * tells it of each change, and judges nothing. So hundreds of sites fit one
 * process, and what they cost is what they ask of the hub.
 */
import { randomUUID } from "node:crypto";
import {
  type Follower,
  type FollowOptions,
  type Kube,
  KubeError,
  type KubeObject,
  type ObjectRef,
  type Collection,
} from "#ports/kube.ts";

type Json = Record<string, unknown>;
type Event = "added" | "modified" | "deleted";
type Watcher = (event: Event, object: KubeObject) => void;

interface Shelf {
  readonly objects: Map<string, KubeObject>;
  readonly watchers: Set<Watcher>;
}

/** @param told hears of every change, as the agent's watches do */
export function openSiteApi(told: (collection: Collection, event: Event, object: KubeObject) => void): Kube {
  const shelves = new Map<string, Shelf>();
  let revision = 1;

  const shelfOf = ({ resource: { group, plural } }: Collection): Shelf => {
    const key = `${plural}.${group}`;
    const known = shelves.get(key) ?? { objects: new Map(), watchers: new Set() };
    shelves.set(key, known);
    return known;
  };
  const keep = (ref: ObjectRef, content: KubeObject): KubeObject => {
    const { objects, watchers } = shelfOf(ref);
    const key = keyOf(ref);
    const before = objects.get(key);
    const { name, namespace } = ref;
    const uid = before?.metadata?.uid ?? randomUUID();
    revision += 1;
    const metadata = {
      ...content.metadata,
      name,
      uid,
      resourceVersion: String(revision),
      ...(namespace !== undefined && { namespace }),
    };
    const object = { ...content, metadata };
    objects.set(key, object);
    tell(ref, watchers, before ? "modified" : "added", object);
    return object;
  };
  const tell = (
    collection: Collection,
    watchers: ReadonlySet<Watcher>,
    event: Event,
    object: KubeObject,
  ): void => {
    setImmediate(() => {
      told(collection, event, object);
      for (const watcher of watchers) watcher(event, object);
    });
  };
  const find = (ref: ObjectRef): KubeObject | undefined => shelfOf(ref).objects.get(keyOf(ref));
  const must = (ref: ObjectRef): KubeObject => find(ref) ?? refuse("KUBE_NOT_FOUND", 404, ref);

  const api = {
    get: async (ref: ObjectRef) => must(ref),
    find: async (ref: ObjectRef) => find(ref),
    list: async (from: Collection) => ({
      items: [...shelfOf(from).objects.values()],
      resourceVersion: String(revision),
    }),
    create: async (into: Collection, object: KubeObject) => {
      const ref = { ...into, name: object.metadata?.name ?? "" };
      return find(ref) ? refuse("KUBE_ALREADY_EXISTS", 409, ref) : keep(ref, object);
    },
    apply: async (ref: ObjectRef, object: KubeObject) => keep(ref, merged(find(ref) ?? {}, object)),
    replace: async (ref: ObjectRef, object: KubeObject) => {
      const { resourceVersion } = object.metadata ?? {};
      const current = must(ref).metadata?.resourceVersion;
      const late = resourceVersion !== undefined && resourceVersion !== current;
      return late ? refuse("KUBE_CONFLICT", 409, ref) : keep(ref, object);
    },
    patch: async (ref: ObjectRef, patch: object) => keep(ref, merged(must(ref), patch)),
    delete: async (ref: ObjectRef) => {
      const { objects, watchers } = shelfOf(ref);
      const object = objects.get(keyOf(ref));
      if (!object) return false;
      objects.delete(keyOf(ref));
      tell(ref, watchers, "deleted", object);
      return true;
    },
    listAndWatch: (from: Collection, follower: Follower<KubeObject>, options: FollowOptions<KubeObject>) =>
      watchShelf(shelfOf(from), from, follower, options, () => String(revision)),
    raw: async () => ({
      status: 200,
      text: JSON.stringify({ metadata: { resourceVersion: String(revision) } }),
    }),
    statistics: () => ({
      requests: [],
      latency: { bounds: [], buckets: [], count: 0, sumSeconds: 0 },
      watches: [],
    }),
    close: async () => undefined,
  };
  return api as unknown as Kube;
}

function watchShelf(
  { objects, watchers }: Shelf,
  { namespace }: Collection,
  follower: Follower<KubeObject>,
  { labelSelector, signal, trim = (object) => object }: FollowOptions<KubeObject>,
  revision: () => string,
): Promise<void> {
  const matches = (object: KubeObject): boolean =>
    (namespace === undefined || object.metadata?.namespace === namespace) &&
    isLabelled(object, labelSelector);
  const watcher: Watcher = (event, object) => {
    if (matches(object)) follower.change(event, trim(object));
  };
  setImmediate(() => {
    follower.replace([...objects.values()].filter(matches).map(trim), revision());
    watchers.add(watcher);
  });
  return new Promise((resolve) => {
    signal.addEventListener(
      "abort",
      () => {
        watchers.delete(watcher);
        resolve();
      },
      { once: true },
    );
  });
}

/** Of one label, by its name or with its value: what our agents ask for. */
function isLabelled({ metadata }: KubeObject, selector: string | undefined): boolean {
  if (selector === undefined) return true;
  const [name = "", value] = selector.split("=");
  const has = metadata?.labels?.[name];
  return value === undefined ? has !== undefined : has === value;
}

function keyOf({ namespace = "", name }: ObjectRef): string {
  return `${namespace}/${name}`;
}

/** JSON merge patch (RFC 7386). */
function merged(target: object, patch: object): KubeObject {
  const result: Json = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (value === null) delete result[key];
    else result[key] = isObject ? merged((result[key] as Json | undefined) ?? {}, value as Json) : value;
  }
  return result;
}

function refuse(code: string, status: number, { resource, name }: ObjectRef): never {
  throw new KubeError({ code, message: `${resource.plural} ${name}: ${status}` }, status, code);
}
