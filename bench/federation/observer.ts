/** What the members' own watches tell, with the moment at which they told it. */
import type { Kube } from "#ports/kube.ts";
import type { Plane } from "../../test/kube/plane.ts";
import { type ConfigMap, MAPS, SPACE } from "./objects.ts";

const PATIENCE_SECONDS = 400;

/** @param value undefined where it is gone; @param at on `performance.now()`'s clock */
type Listener = (member: number, name: string, value: string | undefined, at: number) => void;

export interface Observer {
  /**
   * Resolves when all the members named (by index; all by default) have told that each
   * object has this value, with the moments at which the last of them told it.
   */
  all(
    names: readonly string[],
    value: string | undefined,
    members?: readonly number[],
  ): Promise<readonly number[]>;
  listen(listener: Listener): () => void;
  end(): Promise<void>;
}

export async function observe(planes: readonly Plane[]): Promise<Observer> {
  const listeners = new Set<Listener>();
  const end = new AbortController();
  const states = planes.map(() => new Map<string, string>());
  const ready: Promise<void>[] = [];
  const follows = planes.map((plane, member) => {
    const first = Promise.withResolvers<void>();
    ready.push(first.promise);
    const tell = (name: string, value: string | undefined): void => {
      const state = states[member];
      if (value === undefined) state?.delete(name);
      else state?.set(name, value);
      const at = performance.now();
      for (const listener of listeners) listener(member, name, value, at);
    };
    return follow(plane.open(), end.signal, () => states[member] ?? new Map(), tell, first.resolve);
  });
  await Promise.all(ready);
  const listen: Observer["listen"] = (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  return {
    listen,
    all: (names, value, members = planes.map((_, index) => index)) =>
      awaitAll({ listen, states }, names, value, members),
    async end() {
      end.abort();
      await Promise.all(follows);
    },
  };
}

function follow(
  kube: Kube,
  signal: AbortSignal,
  known: () => ReadonlyMap<string, string>,
  tell: (name: string, value: string | undefined) => void,
  listed: () => void,
): Promise<void> {
  const valueOf = (map: ConfigMap): string => map.data?.["value"] ?? "";
  return kube.listAndWatch(
    { resource: MAPS, namespace: SPACE },
    {
      replace(items) {
        const present = new Set(items.map(({ metadata }) => metadata?.name ?? ""));
        const gone = [...known().keys()].filter((name) => !present.has(name));
        for (const name of gone) tell(name, undefined);
        for (const map of items) tell(map.metadata?.name ?? "", valueOf(map));
        listed();
      },
      change: (type, map) => tell(map.metadata?.name ?? "", type === "deleted" ? undefined : valueOf(map)),
    },
    { signal },
  );
}

function awaitAll(
  {
    listen,
    states,
  }: { listen: Observer["listen"]; states: readonly ReadonlyMap<string, string | undefined>[] },
  names: readonly string[],
  value: string | undefined,
  members: readonly number[],
): Promise<readonly number[]> {
  const left = new Map(names.map((name) => [name, new Set(members)]));
  const at = new Map<string, number>();
  const done = Promise.withResolvers<readonly number[]>();
  const see: Listener = (member, name, seen, moment) => {
    const waiting = left.get(name);
    if (!waiting || seen !== value) return;
    waiting.delete(member);
    if (waiting.size > 0) return;
    left.delete(name);
    at.set(name, moment);
    if (left.size === 0) finish();
  };
  const stop = listen(see);
  const timer = setTimeout(() => {
    stop();
    const [one] = left.keys();
    const words = `after ${PATIENCE_SECONDS} s ${left.size} of ${names.length} objects, such as ${one}, are not as they should be`;
    done.reject(new Error(words));
  }, PATIENCE_SECONDS * 1000);
  const finish = (): void => {
    stop();
    clearTimeout(timer);
    done.resolve(names.map((name) => at.get(name) ?? Number.NaN));
  };
  const now = performance.now();
  for (const name of names) for (const member of members) see(member, name, states[member]?.get(name), now);
  return done.promise;
}
