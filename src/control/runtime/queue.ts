/**
 * What is to be done, each thing once: groups (a site, a type) take turns, so
 * that one with a million keys does not starve another, and one that fails gets
 * a single worker until it is well again. Time is passed in, in milliseconds.
 */
import { type Backoff, backoffSeconds } from "./backoff.ts";
import { type Fifo, openFifo } from "./fifo.ts";
import { openHeap } from "./heap.ts";

/** One thing to bring to what it should be. */
export interface Work {
  /** What must not hold up others: a site, a type. */
  readonly group: string;
  /** Within its group, such as `namespace/name`. */
  readonly key: string;
}

export interface QueueSettings {
  /** At work at once, over all groups. */
  readonly concurrency: number;
  /** At work at once in one group that is well. */
  readonly groupConcurrency: number;
  readonly backoff: Backoff;
  readonly random: () => number;
}

export type Outcome =
  | { readonly result: "done" }
  | { readonly result: "failed" }
  /** Well, and to be looked at again then. */
  | { readonly result: "again"; readonly afterSeconds: number };

export interface Queue {
  /** As soon as may be: what is at work is done once more afterwards; what failed waits at least `EAGER_SECONDS`. */
  add(work: Work, now: number): void;
  /** Not before `at`; what is due earlier stays so. */
  addAt(work: Work, at: number): void;
  /** The next to work on; to be given back by `done`. */
  take(now: number): Work | undefined;
  done(work: Work, outcome: Outcome, now: number): void;
  /** When the next that waits falls due. */
  nextDue(): number | undefined;
  /** Per group: what is ready, at work, and waiting for its time; how many keys failed last time. */
  depths(): readonly Depth[];
}

export interface Depth {
  readonly group: string;
  readonly ready: number;
  readonly active: number;
  readonly waiting: number;
  readonly failing: number;
}

/** A change may be the cure, and it may be our own note of the failure: tried soon, never in a tight circle. */
export const EAGER_SECONDS = 0.5;

interface Group {
  readonly name: string;
  readonly ready: Fifo<string>;
  readonly active: Set<string>;
  /** At work, and changed meanwhile. */
  readonly dirty: Set<string>;
  readonly waiting: Map<string, number>;
  readonly failures: Map<string, number>;
  ailing: boolean;
}

interface Due {
  readonly at: number;
  readonly group: string;
  readonly key: string;
}

export function openQueue({ concurrency, groupConcurrency, backoff, random }: QueueSettings): Queue {
  const groups = new Map<string, Group>();
  /** Groups that may have work taken, in turn. */
  const turns = openFifo<string>();
  const dues = openHeap<Due>((left, right) => left.at < right.at);
  let active = 0;

  const groupOf = (name: string): Group => {
    const known = groups.get(name);
    if (known) return known;
    const group = newGroup(name);
    groups.set(name, group);
    return group;
  };
  const offer = (group: Group): void => {
    const limit = group.ailing ? 1 : groupConcurrency;
    if (group.ready.size > 0 && group.active.size < limit) turns.add(group.name);
  };
  const makeReady = (group: Group, key: string): void => {
    group.waiting.delete(key);
    group.ready.add(key);
    offer(group);
  };
  const wait = (group: Group, key: string, at: number): void => {
    const known = group.waiting.get(key);
    if (group.ready.has(key) || (known !== undefined && known <= at)) return;
    group.waiting.set(key, at);
    dues.push({ at, group: group.name, key });
  };
  /** Drops what was put forward or is no longer wanted. */
  const promote = (now: number): void => {
    for (let due = dues.peek(); due && due.at <= now; due = dues.peek()) {
      dues.pop();
      const group = groups.get(due.group);
      if (group?.waiting.get(due.key) === due.at) makeReady(group, due.key);
    }
  };

  return {
    add({ group: name, key }, now) {
      const group = groupOf(name);
      if (group.active.has(key)) group.dirty.add(key);
      else if (group.failures.has(key)) wait(group, key, now + EAGER_SECONDS * 1000);
      else makeReady(group, key);
    },
    addAt({ group: name, key }, at) {
      const group = groupOf(name);
      if (group.active.has(key)) group.dirty.add(key);
      else wait(group, key, at);
    },
    take(now) {
      promote(now);
      if (active >= concurrency) return undefined;
      const group = groups.get(turns.shift() ?? "");
      const key = group?.ready.shift();
      if (!group || key === undefined) return undefined;
      group.active.add(key);
      active += 1;
      offer(group);
      return { group: group.name, key };
    },
    done({ group: name, key }, outcome, now) {
      const group = groupOf(name);
      if (!group.active.delete(key)) return;
      active -= 1;
      const changed = group.dirty.delete(key);
      group.ailing = outcome.result === "failed";
      if (outcome.result === "failed") {
        const failures = (group.failures.get(key) ?? 0) + 1;
        group.failures.set(key, failures);
        const seconds = backoffSeconds(failures, backoff, random);
        wait(group, key, now + (changed ? Math.min(EAGER_SECONDS, seconds) : seconds) * 1000);
      } else {
        group.failures.delete(key);
        if (changed) makeReady(group, key);
        else if (outcome.result === "again") wait(group, key, now + outcome.afterSeconds * 1000);
      }
      offer(group);
      if (isEmpty(group)) groups.delete(name);
    },
    nextDue() {
      // What was put forward leaves its old entry behind.
      for (let due = dues.peek(); due; due = dues.peek()) {
        if (groups.get(due.group)?.waiting.get(due.key) === due.at) return due.at;
        dues.pop();
      }
      return undefined;
    },
    depths: () => [...groups.values()].map(depthOf),
  };
}

function newGroup(name: string): Group {
  return {
    name,
    ready: openFifo(),
    active: new Set(),
    dirty: new Set(),
    waiting: new Map(),
    failures: new Map(),
    ailing: false,
  };
}

function isEmpty({ ready, active, waiting, failures }: Group): boolean {
  return ready.size + active.size + waiting.size + failures.size === 0;
}

function depthOf({ name, ready, active, waiting, failures }: Group): Depth {
  return {
    group: name,
    ready: ready.size,
    active: active.size,
    waiting: waiting.size,
    failing: failures.size,
  };
}
