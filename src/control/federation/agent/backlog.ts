/** Mirrors that are being applied already and are not stored yet: where many change at once, storing gives way to applying. */
import type { Clock } from "#control/runtime/clock.ts";
import { type MirrorSpec, mirrorName } from "../api/mirror.ts";
import { yielding } from "../status/coalesce.ts";
import type { Fresh } from "./fresh.ts";

const LOOKS_PER_SECOND = 2000;

export interface Backlog {
  /** What is not stored yet. */
  get(name: string): MirrorSpec | undefined;
  hold(spec: MirrorSpec): void;
  /** Seconds that it may still wait; 0 where it is due. */
  wait(name: string): number;
  done(name: string): void;
}

/** What is held is lost with the process; the hub, which has it too, then tells of it again. */
export function openBacklog(clock: Pick<Clock, "now">, fresh: Pick<Fresh, "appliedAt">): Backlog {
  const held = new Map<string, { readonly spec: MirrorSpec; readonly since: number }>();
  let last = 0;
  return {
    get: (name) => held.get(name)?.spec,
    hold(spec) {
      const name = mirrorName(spec);
      last = clock.now();
      held.set(name, { spec, since: held.get(name)?.since ?? last });
    },
    wait(name) {
      const one = held.get(name);
      if (!one) return 0;
      const { since } = one;
      const burst = { size: held.size, last: Math.max(last, fresh.appliedAt) };
      const due = yielding(since, { since, last: since, urgent: false }, burst);
      const wait = (due - clock.now()) / 1000;
      // Thousands need not be looked at four times a second each.
      return wait > 0 ? Math.max(wait, held.size / LOOKS_PER_SECOND) : 0;
    },
    done: (name) => void held.delete(name),
  };
}
