/** When a status is written: at once where nothing was written lately, else together with what follows. */

export interface Pending {
  /** ms since the epoch of the first change that is not written yet. */
  readonly since: number;
  /** ms since the epoch of the last one. */
  readonly last: number;
  /** Whether it is about something going wrong or right again, which people wait for. */
  readonly urgent: boolean;
}

export interface Pace {
  /** A change is held back until nothing has followed it for so long, ms. */
  readonly quietMs: number;
  /** But no change waits longer than this, ms. */
  readonly mostMs: number;
  /** Two writes of one object are at least so far apart, ms; urgent ones too. */
  readonly apartMs: number;
}

/** How sites tell the hub. */
export const PACE: Pace = { quietMs: 20, mostMs: 300, apartMs: 300 };

/** Adds a change to what is pending. */
export function noted(pending: Pending | undefined, now: number, urgent: boolean): Pending {
  return pending
    ? { since: pending.since, last: now, urgent: pending.urgent || urgent }
    : { since: now, last: now, urgent };
}

/** The time, in ms since the epoch, at which the pending changes are to be written; the past means now. */
export function dueAt(pending: Pending, writtenAt: number | undefined, pace: Pace): number {
  const settled = pending.urgent
    ? pending.since
    : Math.min(pending.last + pace.quietMs, pending.since + pace.mostMs);
  return writtenAt === undefined ? settled : Math.max(settled, writtenAt + pace.apartMs);
}

/** Changes of all objects that are not written yet. */
export interface Burst {
  readonly size: number;
  /** ms since the epoch of the last change of any of them. */
  readonly last: number;
}

const MANY = 32;
const QUIET_MS = 250;
const LONGEST_MS = 10_000;

/**
 * Where many objects change at once their statuses give way to the work itself,
 * which people wait for more, and one write tells what several would have told.
 */
export function yielding(due: number, { since, urgent }: Pending, burst: Burst): number {
  if (urgent || burst.size < MANY) return due;
  return Math.max(due, Math.min(burst.last + QUIET_MS, since + LONGEST_MS));
}
