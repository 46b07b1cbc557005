/** A clock that stands still until a test moves it. */
import type { Clock } from "./clock.ts";

export interface VirtualClock extends Clock {
  /** Goes on by so much; calls what falls due, in order, and lets what awaits it run in between. */
  advance(milliseconds: number): Promise<void>;
}

export function virtualClock(): VirtualClock {
  let now = 0;
  let number = 0;
  const timers = new Map<number, { readonly at: number; readonly call: () => void }>();
  const next = (end: number) =>
    [...timers].filter(([, { at }]) => at <= end).sort(([a, one], [b, two]) => one.at - two.at || a - b)[0];
  return {
    now: () => now,
    wall: () => new Date(now),
    after(milliseconds, call) {
      const id = (number += 1);
      timers.set(id, { at: now + Math.max(0, milliseconds), call });
      return () => timers.delete(id);
    },
    async advance(milliseconds) {
      const end = now + milliseconds;
      await settle();
      for (let due = next(end); due; due = next(end)) {
        const [id, { at, call }] = due;
        timers.delete(id);
        now = Math.max(now, at);
        call();
        await settle();
      }
      now = end;
    },
  };
}

/** Lets every promise that can go on go on. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
