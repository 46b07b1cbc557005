/**
 * What an ECAM makes of its probes of one worker. A machine without power is
 * silent; one whose kernel refuses the connection lives, and only the program
 * that was asked does not: that is common while programs are restarted, so it
 * has to last before it counts.
 */

/** How one connect ended. `refuses`: the machine itself said no. */
export type Outcome = "answers" | "refuses" | "silent";

export interface Sight {
  /** `unknown` until enough probes agree. */
  readonly life: "unknown" | "up" | "dead";
  /** Failures in a row, of either kind. */
  readonly misses: number;
  /** Silent ones in a row. */
  readonly silent: number;
  /** Since when (ms) every probe was answered; undefined where the last one was not. */
  readonly answersSinceMs: number | undefined;
}

export const UNSEEN: Sight = { life: "unknown", misses: 0, silent: 0, answersSinceMs: undefined };

export const PROBE_INTERVAL_MS = 100;
/** Between machines of one LAN: a hundred times what a connect takes there. */
export const PROBE_TIMEOUT_MS = 100;
/** So many failures in a row make a worker dead, if the last two were silent: one packet may get lost. */
const FALL = 3;
const FALL_SILENT = 2;
/** Refusals alone do after five seconds, which is longer than a program takes to start again. */
const FALL_REFUSED = 50;

/** The sight after one more probe, at `nowMs` of a clock that only grows. */
export function seen(before: Sight, outcome: Outcome, nowMs: number): Sight {
  if (outcome === "answers")
    return { life: "up", misses: 0, silent: 0, answersSinceMs: before.answersSinceMs ?? nowMs };
  const misses = before.misses + 1;
  const silent = outcome === "silent" ? before.silent + 1 : 0;
  const dead = (misses >= FALL && silent >= FALL_SILENT) || misses >= FALL_REFUSED;
  return { life: dead ? "dead" : before.life, misses, silent, answersSinceMs: undefined };
}

/** Whether it was looked at often enough to decide on it, or on others because of it. */
export function isJudged({ life, misses }: Sight): boolean {
  return life !== "unknown" || misses >= FALL;
}
