/** How long an address that was withdrawn stays away after it is seen up again: longer each time, so that one that comes and goes does not take its users along. */

/** An address that was withdrawn, not long ago. */
export interface Hold {
  /** When it was last seen down, on the clock of the site that decides. */
  readonly lastDownMs: number;
  /** How often it went down without having been up for `FORGET_MS` in between. */
  readonly falls: number;
}

const FIRST_HOLD_MS = 10_000;
/** The longest that an address which works is kept away: with the age of words, the bound on how long two sites may disagree. */
export const LONGEST_HOLD_MS = 80_000;
/** Up for so long, it is as any other. */
const FORGET_MS = 600_000;

/** It is seen down. */
export function withDown(hold: Hold | undefined, nowMs: number): Hold {
  if (!hold) return { lastDownMs: nowMs, falls: 1 };
  const fellAgain = heldMs(hold, nowMs) === 0;
  return { lastDownMs: nowMs, falls: hold.falls + (fellAgain ? 1 : 0) };
}

/** It is not; undefined once that is forgotten. */
export function withUp(hold: Hold | undefined, nowMs: number): Hold | undefined {
  return hold && nowMs - hold.lastDownMs < FORGET_MS ? hold : undefined;
}

/** For how long it still is kept away, ms. */
export function heldMs(hold: Hold | undefined, nowMs: number): number {
  if (!hold) return 0;
  const wholeMs = Math.min(FIRST_HOLD_MS * 2 ** (hold.falls - 1), LONGEST_HOLD_MS);
  return Math.max(0, hold.lastDownMs + wholeMs - nowMs);
}
