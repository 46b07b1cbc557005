/** What the hub has just said, on its way into the site's mirrors: it is applied while it is being written there. */
import { type Mirror, type MirrorSpec, mirrorName } from "../api/mirror.ts";
import { compareVersions } from "../version.ts";

export interface Fresh {
  /** Only what has a body: nothing is deleted before the record of its deletion is kept. */
  add(mirror: Mirror): void;
  /** It could not be written, or something else is there now. */
  forget(name: string): void;
  /** The newer of this and what the mirrors have. */
  over(name: string, stored: Mirror | undefined): Mirror | undefined;
  listen(call: (spec: MirrorSpec) => void): void;
  /** When a copy was last made or changed, by the clock of the one who says so, ms; 0 where none was. */
  appliedAt: number;
}

export function openFresh(): Fresh {
  const mirrors = new Map<string, Mirror>();
  const listeners: ((spec: MirrorSpec) => void)[] = [];
  return {
    add(mirror) {
      mirrors.set(mirrorName(mirror.spec), mirror);
      for (const call of listeners) call(mirror.spec);
    },
    forget: (name) => void mirrors.delete(name),
    over(name, stored) {
      const own = mirrors.get(name);
      if (!own) return stored;
      if (!stored || compareVersions(own.spec, stored.spec) > 0) return own;
      mirrors.delete(name);
      return stored;
    },
    listen: (call) => void listeners.push(call),
    appliedAt: 0,
  };
}
