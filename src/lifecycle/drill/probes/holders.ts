/** Who holds a site's VIP, sampled from outside the machines: exactly one is right. */
import type { SitePlan } from "#plan/plan.ts";
import type { Faults } from "#ports/faults.ts";

/** Each look starts programs; on a small box they would be the load that is measured. */
const EVERY_MS = 400;

export interface HoldersWatch {
  /** Begins a new stretch. */
  reset(): void;
  /** Names of those that held it at the last look. */
  now(): readonly string[];
  /** The longest time, in seconds, that nobody (or more than one) held it since the last reset. */
  longest(): { readonly none: number; readonly several: number };
  stop(): Promise<void>;
}

export function watchHolders(site: SitePlan, faults: Faults): HoldersWatch {
  let holders: readonly string[] = [];
  let since = seconds();
  let longest = { none: 0, several: 0 };
  const state = { stopped: false };
  /** Adds the stretch that lasts to what was seen. */
  const count = () => {
    const lasted = seconds() - since;
    if (holders.length === 0) longest = { ...longest, none: Math.max(longest.none, lasted) };
    if (holders.length > 1) longest = { ...longest, several: Math.max(longest.several, lasted) };
  };
  const look = async () => {
    while (!state.stopped) {
      const seen = await faults.answering(site, site.network.vip);
      count();
      if (kind(seen) !== kind(holders)) since = seconds();
      holders = seen;
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  };
  const looking = look();
  return {
    reset: () => {
      since = seconds();
      longest = { none: 0, several: 0 };
    },
    now: () => holders,
    longest: () => {
      count();
      return longest;
    },
    stop: async () => {
      state.stopped = true;
      await looking;
    },
  };
}

function kind(holders: readonly string[]): number {
  return Math.min(holders.length, 2);
}

function seconds(): number {
  return performance.now() / 1000;
}
