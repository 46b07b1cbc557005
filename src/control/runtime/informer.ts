/** One watch for all who want the same objects, and a cache of them. */
import type { Collection, Kube, KubeError, KubeObject, Selectors } from "#ports/kube.ts";
import { type Cache, type Change, openCache, withoutManagedFields } from "./cache.ts";
import type { Input, Watched } from "./controller.ts";

export interface Informers {
  /** Tells `input` of everything that is there, then of every change. */
  watch<T extends KubeObject>(input: Input<T>): Watched<T>;
  readonly all: Iterable<{ readonly name: string; readonly cluster: string; readonly cache: Cache }>;
}

interface Informer {
  readonly name: string;
  readonly cluster: string;
  readonly cache: ReturnType<typeof openCache>;
  readonly listeners: Set<(change: Change<KubeObject>) => void>;
  readonly synced: Promise<void>;
  readonly stop: AbortController;
  trouble: KubeError | undefined;
}

/** @param ended ends every watch. @param tell takes the work that a change asks for. */
export function openInformers(
  kubeOf: (cluster: string) => Kube,
  ended: AbortSignal,
  crashed: (error: unknown) => void,
): Informers & { listen(input: Input, tell: (change: Change<KubeObject>) => void): Watched } {
  const informers = new Map<string, Informer>();
  const open = (input: Input): Informer => {
    const key = identityOf(input);
    const known = informers.get(key);
    if (known) return known;
    const informer = startInformer(kubeOf(input.cluster), input, ended, crashed);
    informers.set(key, informer);
    informer.stop.signal.addEventListener("abort", () => informers.delete(key), { once: true });
    return informer;
  };
  const listen = (input: Input, tell: (change: Change<KubeObject>) => void): Watched => {
    const informer = open(input);
    for (const [name, values] of Object.entries(input.indexes ?? {})) informer.cache.addIndex(name, values);
    for (const object of informer.cache.list()) tell({ type: "added", object });
    informer.listeners.add(tell);
    return {
      cache: informer.cache,
      synced: informer.synced,
      trouble: () => informer.trouble,
      stop() {
        informer.listeners.delete(tell);
        if (informer.listeners.size === 0) informer.stop.abort();
      },
    };
  };
  return {
    listen,
    watch: <T extends KubeObject>(input: Input<T>) => listen(input, () => undefined) as Watched<T>,
    all: { [Symbol.iterator]: () => informers.values() },
  };
}

function startInformer(
  kube: Kube,
  input: Input,
  ended: AbortSignal,
  crashed: (error: unknown) => void,
): Informer {
  const cache = openCache();
  const first = Promise.withResolvers<void>();
  const stop = new AbortController();
  const { cluster } = input;
  const trim = (object: KubeObject): KubeObject => input.trim?.(object) ?? object;
  const informer: Informer = {
    name: nameOf(input),
    cluster,
    cache,
    listeners: new Set(),
    synced: first.promise,
    stop,
    trouble: undefined,
  };
  const tell = (change: Change<KubeObject> | undefined): void => {
    if (change) for (const listener of informer.listeners) listener(change);
  };
  kube
    .listAndWatch(
      input,
      {
        replace(items, resourceVersion) {
          informer.trouble = undefined;
          cache.reached(resourceVersion);
          for (const change of cache.replace(items)) tell(change);
          first.resolve();
        },
        change(type, object) {
          informer.trouble = undefined;
          cache.reached(object.metadata?.resourceVersion ?? cache.revision);
          tell(cache.change(type, object));
        },
        progress: (resourceVersion) => cache.reached(resourceVersion),
        trouble: (error) => (informer.trouble = error),
      },
      {
        ...selectorsOf(input),
        trim: (object) => trim(withoutManagedFields(object)),
        signal: AbortSignal.any([ended, stop.signal]),
      },
    )
    .catch(crashed);
  return informer;
}

function selectorsOf({ labelSelector, fieldSelector }: Selectors): Selectors {
  return { ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }) };
}

function nameOf({ resource: { group, plural } }: Collection): string {
  return group === "" ? plural : `${plural}.${group}`;
}

const trims = new WeakMap<object, number>();
let trimCount = 0;

/** Inputs share a watch where they want the same objects in the same shape. */
function identityOf({ cluster, resource, namespace, labelSelector, fieldSelector, ...rest }: Input): string {
  const { trim } = rest as { trim?: object };
  if (trim && !trims.has(trim)) trims.set(trim, (trimCount += 1));
  const { group, version, plural } = resource;
  const parts = [cluster, group, version, plural, namespace, labelSelector, fieldSelector];
  return JSON.stringify([...parts, trim && trims.get(trim)]);
}
