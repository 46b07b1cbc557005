/** What this site has done about tombstones, from who does it to who tells the hub. */
import type { Version } from "../version.ts";

export interface Graves {
  /** By the mirror's name: the site has nothing of it any more. */
  carriedOut(name: string): void;
  /** It has a body again, so what was said of its deletion no longer holds. */
  isAlive(name: string): void;
  hasCarriedOut(name: string): boolean;
  /** The site's mirrors hold what the hub's record of this revision says, and nothing older can come any more. */
  settled(name: string, revision: string): void;
  isSettled(name: string, revision: string): boolean;
  /** Up to where the site has carried out the hub's tombstones; undefined where there is nothing to tell. */
  confirmed: Version | undefined;
  listen(call: () => void): void;
  /** By the mirrors' names: deletions that the hub has told of, and this site has a mirror of and has not carried out. */
  outstanding: () => Iterable<string>;
}

export function openGraves(): Graves {
  const done = new Set<string>();
  const settled = new Map<string, string>();
  const listeners: (() => void)[] = [];
  const tell = (): void => {
    for (const call of listeners) call();
  };
  return {
    confirmed: undefined,
    outstanding: () => [],
    carriedOut(name) {
      if (done.has(name)) return;
      done.add(name);
      tell();
    },
    isAlive: (name) => void done.delete(name),
    hasCarriedOut: (name) => done.has(name),
    settled(name, revision) {
      if (settled.get(name) === revision) return;
      settled.set(name, revision);
      tell();
    },
    isSettled: (name, revision) => settled.get(name) === revision,
    listen: (call) => void listeners.push(call),
  };
}
