/**
 * Waits until a server that did not answer answers again. Everything that
 * follows one cluster waits together: one question at a time, however many
 * watches broke.
 */
import { setTimeout as sleep } from "node:timers/promises";

const FIRST_PAUSE_SECONDS = 0.1;
const LONGEST_PAUSE_SECONDS = 1;
/** A server that answers may call itself not ready for reasons that are not ours. */
const PATIENCE_SECONDS = 10;

export type Answer = "ready" | "unready" | "silent";

export interface Recovery {
  /** Resolves when the server is there again, or when `signal` ends the waiting. */
  wait(signal: AbortSignal): Promise<void>;
}

/** @param ask asks the server once, with a short end. */
export function openRecovery(ask: () => Promise<Answer>, random: () => number): Recovery {
  let under: Promise<void> | undefined;
  const waiting = new Set<symbol>();
  const probe = async (): Promise<void> => {
    let unreadySince: number | undefined;
    for (let tried = 0; waiting.size > 0; tried += 1) {
      const answer = await ask();
      if (answer === "ready") return;
      if (answer === "silent") unreadySince = undefined;
      else unreadySince ??= performance.now();
      if (unreadySince !== undefined && performance.now() - unreadySince > PATIENCE_SECONDS * 1000) return;
      const pause = Math.min(FIRST_PAUSE_SECONDS * 2 ** tried, LONGEST_PAUSE_SECONDS);
      await sleep(pause * 1000 * (0.75 + random() / 2), undefined, { ref: false });
    }
  };
  return {
    async wait(signal) {
      if (signal.aborted) return;
      const me = Symbol("waiter");
      waiting.add(me);
      const ended = Promise.withResolvers<void>();
      const end = (): void => ended.resolve();
      signal.addEventListener("abort", end, { once: true });
      try {
        under ??= probe().finally(() => (under = undefined));
        await Promise.race([under, ended.promise]);
      } finally {
        waiting.delete(me);
        signal.removeEventListener("abort", end);
      }
    },
  };
}
