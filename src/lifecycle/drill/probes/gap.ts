/** How long something was gone, from the answers it gave. Times are seconds on a monotonic clock. */

export interface Gap {
  /** An answer came. */
  answered(): void;
  /** Begins a new stretch: what was gone before it counts no more. */
  reset(): void;
  /** The longest time without an answer since the last reset, the one that lasts included. */
  longest(): number;
  /** How long ago the last answer came; infinite where there never was one. */
  sinceAnswer(): number;
}

/** @param now gives seconds; the time only ever grows. */
export function openGap(now: () => number = () => performance.now() / 1000): Gap {
  let last = now();
  let lastAnswer = Number.NEGATIVE_INFINITY;
  let longest = 0;
  return {
    answered: () => {
      longest = Math.max(longest, now() - last);
      last = now();
      lastAnswer = last;
    },
    reset: () => {
      last = now();
      longest = 0;
    },
    longest: () => Math.max(longest, now() - last),
    sinceAnswer: () => now() - lastAnswer,
  };
}
