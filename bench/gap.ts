/** How long a client sees an API gone, for the benches that cut power. */
import { watchApi } from "#lifecycle/drill/probes/api.ts";

/** Finer than a drill's: here nothing else is watched. */
const EVERY_MS = 20;

/** Runs `work` and gives the longest time, in seconds, between two answers of the API at an address meanwhile. */
export async function apiGapDuring(address: string, work: () => Promise<void>): Promise<number> {
  const watch = watchApi(address, 6443, EVERY_MS);
  try {
    await work();
    return watch.gap.longest();
  } finally {
    watch.stop();
  }
}
