/** How long to wait before something that failed is tried again. */

export interface Backoff {
  /** After the first failure. */
  readonly firstSeconds: number;
  /** Never longer. */
  readonly longestSeconds: number;
}

/** Doubles with each failure (counted from 1) up to the ceiling; drawn from the upper half, so that many do not return at once. */
export function backoffSeconds(failures: number, backoff: Backoff, random: () => number): number {
  const full = Math.min(backoff.longestSeconds, backoff.firstSeconds * 2 ** Math.min(failures - 1, 60));
  return full * (0.5 + random() / 2);
}
