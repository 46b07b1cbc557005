/** Watches every type that a list of FederatedTypeConfigs names, for as long as it does. */
import type { Change } from "#control/runtime/cache.ts";
import type { Context, Input, Watched } from "#control/runtime/controller.ts";
import type { Work } from "#control/runtime/queue.ts";
import type { KubeObject, Resource } from "#ports/kube.ts";
import type { FederatedTypeConfig } from "../api/type-config.ts";
import { federatedKindOf, kindName } from "./resources.ts";

export interface WatchedType<T extends KubeObject> extends Watched<T> {
  readonly config: FederatedTypeConfig;
}

export interface TypeWatch<T extends KubeObject> {
  /** Begins to watch what is new and ends what is gone; gives the names of types that came or changed. */
  sync(context: Context, configs: Iterable<FederatedTypeConfig>): readonly string[];
  /** @param type `plural.group` of the federated kind. */
  get(type: string): WatchedType<T> | undefined;
  readonly all: Iterable<[string, WatchedType<T>]>;
  /** Objects that are known, of all types. */
  readonly size: number;
}

export interface TypeWatchSettings<T extends KubeObject> {
  readonly cluster: string;
  readonly labelSelector?: string;
  resourceOf(config: FederatedTypeConfig): Resource<T>;
  /** @param type `plural.group` of the federated kind. */
  work(change: Change<T>, type: string, config: FederatedTypeConfig): Iterable<Work>;
}

export function openTypeWatch<T extends KubeObject>(settings: TypeWatchSettings<T>): TypeWatch<T> {
  const watched = new Map<string, WatchedType<T>>();
  const open = (context: Context, type: string, config: FederatedTypeConfig): WatchedType<T> => {
    const { cluster, labelSelector } = settings;
    const input: Input<T> = {
      cluster,
      resource: settings.resourceOf(config),
      ...(labelSelector !== undefined && { labelSelector }),
      work: (change) => settings.work(change, type, config),
    };
    return { ...context.watch(input), config };
  };
  return {
    sync(context, configs) {
      const wanted = new Map([...configs].map((one) => [kindName(federatedKindOf(one)), one]));
      const changed: string[] = [];
      for (const [type, known] of watched) {
        const config = wanted.get(type);
        if (config && JSON.stringify(config.spec) === JSON.stringify(known.config.spec)) continue;
        known.stop();
        watched.delete(type);
      }
      for (const [type, config] of wanted) {
        if (watched.has(type)) continue;
        watched.set(type, open(context, type, config));
        changed.push(type);
      }
      return changed;
    },
    get: (type) => watched.get(type),
    all: watched,
    get size() {
      return [...watched.values()].reduce((sum, { cache }) => sum + cache.size, 0);
    },
  };
}
