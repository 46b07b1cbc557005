/** How far a site's mirrors are behind nothing: told only once all that came before is stored. */
import type { Inheritance } from "../api/crown.ts";
import { compareRevisions } from "../version.ts";

export interface Checkpoint {
  /** Something of this type changed at the hub; at this revision, where it is known. */
  seen(type: string, key: string, revision: string): void;
  /** It is stored as it was at this revision; undefined where there is nothing to store. */
  stored(type: string, key: string, revision: string | undefined): void;
  /** The whole type was compared with a list of this revision, and nothing lacked. */
  complete(type: string, revision: string): void;
  /** Of types that wait for nothing, the highest revision seen; of others what it was before. */
  value(): Inheritance;
}

interface TypeState {
  readonly waiting: Map<string, string>;
  highest: string;
  settled: string;
}

export function openCheckpoint(epoch: number): Checkpoint {
  const types = new Map<string, TypeState>();
  const of = (type: string): TypeState => {
    const known = types.get(type) ?? { waiting: new Map<string, string>(), highest: "0", settled: "0" };
    types.set(type, known);
    return known;
  };
  const rise = (state: TypeState, revision: string): void => {
    if (compareRevisions(revision, state.highest) > 0) state.highest = revision;
  };
  return {
    seen(type, key, revision) {
      const state = of(type);
      state.waiting.set(key, revision);
      rise(state, revision);
    },
    stored(type, key, revision) {
      const state = of(type);
      if (revision !== undefined) rise(state, revision);
      const waited = state.waiting.get(key) ?? "0";
      if (revision === undefined || compareRevisions(waited, revision) <= 0) state.waiting.delete(key);
      if (state.waiting.size === 0) state.settled = state.highest;
    },
    complete(type, revision) {
      const state = of(type);
      rise(state, revision);
      if (compareRevisions(revision, state.settled) > 0) state.settled = revision;
    },
    value() {
      const settled = [...types].map(([type, state]): [string, string] => [type, state.settled]);
      return {
        epoch,
        resourceVersions: Object.fromEntries(settled.filter(([, revision]) => revision !== "0")),
      };
    },
  };
}
