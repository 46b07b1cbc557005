/** Waiting for the world, with an end. */
import { PanopticonError, worldFailed } from "#base/errors.ts";

/** Long enough that waiting costs the API little beside what it is waited for. */
const PAUSE_MS = 250;

/**
 * Asks until the answer is not undefined. A probe that fails with one of our
 * errors counts as "not yet", and its words are told if time runs out.
 */
export async function waitFor<T>(
  what: string,
  seconds: number,
  probe: () => Promise<T | undefined>,
): Promise<T> {
  const end = Date.now() + seconds * 1000;
  let last: PanopticonError | undefined;
  for (;;) {
    try {
      const answer = await probe();
      if (answer !== undefined) return answer;
    } catch (error) {
      if (!(error instanceof PanopticonError)) throw error;
      last = error;
    }
    if (Date.now() > end) {
      throw worldFailed(
        "CONVERGE_TIMEOUT",
        `waited ${seconds} s for ${what}, in vain${last ? `: ${last.message}` : "."}`,
        "Run the same command again: it goes on from what is there.",
        last,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** Asks until it holds; as `waitFor`. */
export async function until(what: string, seconds: number, holds: () => Promise<boolean>): Promise<void> {
  await waitFor(what, seconds, async () => ((await holds()) ? true : undefined));
}
