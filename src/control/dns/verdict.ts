/** What one voter makes of its probes of one target: some in a row, since a single one may fail for any reason. */

/** So many that fail make it down, so many that succeed make it up again. */
const FALL = 3;
const RISE = 2;

export interface Verdict {
  readonly up: boolean;
  /** Probes in a row that say otherwise. */
  readonly against: number;
  /** What the last one found, in words. */
  readonly found: string;
}

/** Nothing is down until it is seen so. */
export const UNPROBED: Verdict = { up: true, against: 0, found: "not probed yet" };

/** The verdict after one more probe. */
export function probed(before: Verdict, works: boolean, found: string): Verdict {
  if (works === before.up) return { up: before.up, against: 0, found };
  const against = before.against + 1;
  const enough = against >= (before.up ? FALL : RISE);
  return enough ? { up: works, against: 0, found } : { up: before.up, against, found };
}
