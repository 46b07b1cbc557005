/** What is known of a cluster's objects of one kind, as the watch tells it; found by key or by index. */
import type { KubeObject } from "#ports/kube.ts";

/** One object came, changed or went; `previous` is what was known before. */
export type Change<T> =
  | { readonly type: "added"; readonly object: T; readonly previous?: undefined }
  | { readonly type: "modified"; readonly object: T; readonly previous: T }
  /** `object` is the last that was known of it. */
  | { readonly type: "deleted"; readonly object: T; readonly previous: T };

/** The values under which an object is found in an index; a method's type, so that inputs of any kind fit one list. */
export type IndexValues<T> = { values(object: T): readonly string[] }["values"];

/** What may be asked of a cache. Objects are shared: whoever changes one changes it for all. */
export interface Cache<T extends KubeObject = KubeObject> {
  readonly size: number;
  /** Whether a whole list has been taken in. */
  readonly synced: boolean;
  /** Everything that the server counted up to here is taken in; "0" before the first list. */
  readonly revision: string;
  get(key: string): T | undefined;
  list(): Iterable<T>;
  /** Every object that the index, which the input names, has under this value. */
  by(index: string, value: string): readonly T[];
}

export interface WritableCache<T extends KubeObject> extends Cache<T> {
  /** All there is; gives what differs from what was known. */
  replace(items: readonly T[]): readonly Change<T>[];
  /** Undefined where it says nothing new. */
  change(type: "added" | "modified" | "deleted", object: T): Change<T> | undefined;
  /** The watch has told everything up to here. */
  reached(revision: string): void;
  /** An index of that name is made once. */
  addIndex(name: string, values: IndexValues<T>): void;
}

/** `namespace/name`, or `name` of what is in no namespace. */
export function keyOf({ metadata }: KubeObject): string {
  const { namespace, name = "" } = metadata ?? {};
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** The object without `managedFields`, which are a third of it and of use to the server only. */
export function withoutManagedFields<T extends KubeObject>(object: T): T {
  if (!object.metadata?.managedFields) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

export function openCache<T extends KubeObject>(): WritableCache<T> {
  const objects = new Map<string, T>();
  const indexes = new Map<string, Index<T>>();
  let synced = false;
  let revision = "0";

  const put = (key: string, object: T): Change<T> | undefined => {
    const previous = objects.get(key);
    if (previous && isSame(previous, object)) return undefined;
    objects.set(key, object);
    for (const index of indexes.values()) {
      if (previous) index.remove(key, previous);
      index.add(key, object);
    }
    return previous ? { type: "modified", object, previous } : { type: "added", object };
  };
  const remove = (key: string, last?: T): Change<T> | undefined => {
    const previous = objects.get(key);
    if (!previous) return undefined;
    objects.delete(key);
    for (const index of indexes.values()) index.remove(key, previous);
    return { type: "deleted", object: last ?? previous, previous };
  };
  return {
    get size() {
      return objects.size;
    },
    get synced() {
      return synced;
    },
    get revision() {
      return revision;
    },
    reached: (now) => void (revision = now),
    get: (key) => objects.get(key),
    list: () => objects.values(),
    by(name, value) {
      const index = indexes.get(name);
      if (!index) throw new Error(`this cache has no index ${name}`);
      return [...index.keys(value)].flatMap((key) => objects.get(key) ?? []);
    },
    replace(items) {
      synced = true;
      const present = new Map(items.map((item) => [keyOf(item), item]));
      const gone = [...objects.keys()].filter((key) => !present.has(key));
      const changes = gone.map((key) => remove(key));
      for (const [key, item] of present) changes.push(put(key, item));
      return changes.filter((change) => change !== undefined);
    },
    change: (type, object) =>
      type === "deleted" ? remove(keyOf(object), object) : put(keyOf(object), object),
    addIndex(name, values) {
      if (indexes.has(name)) return;
      const index = openIndex(values);
      for (const [key, object] of objects) index.add(key, object);
      indexes.set(name, index);
    },
  };
}

function isSame(left: KubeObject, right: KubeObject): boolean {
  const [one, two] = [left.metadata, right.metadata];
  if (one?.resourceVersion === undefined) return false;
  return one.uid === two?.uid && one.resourceVersion === two?.resourceVersion;
}

interface Index<T> {
  add(key: string, object: T): void;
  remove(key: string, object: T): void;
  keys(value: string): Iterable<string>;
}

function openIndex<T>(values: IndexValues<T>): Index<T> {
  const keys = new Map<string, Set<string>>();
  return {
    add(key, object) {
      for (const value of values(object)) {
        const known = keys.get(value);
        if (known) known.add(key);
        else keys.set(value, new Set([key]));
      }
    },
    remove(key, object) {
      for (const value of values(object)) {
        const known = keys.get(value);
        if (known?.delete(key) && known.size === 0) keys.delete(value);
      }
    },
    keys: (value) => keys.get(value) ?? [],
  };
}
