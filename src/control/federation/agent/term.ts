/** A term: as long as a site follows the same hub in the same epoch. A new crowning begins a new one. */
import type { CrownSpec } from "../api/crown.ts";
import type { Clock } from "#control/runtime/clock.ts";
import type { Fresh } from "./fresh.ts";
import type { Graves } from "./graves.ts";
import type { Reports } from "./reports.ts";

export interface Term {
  readonly site: string;
  /** As it was at the beginning; within a term only its list of sites and `frozen` change. */
  readonly crown: CrownSpec;
  /** Whether this site is the hub; then the clusters `site` and `hub` are one. */
  readonly holds: boolean;
  readonly clock: Clock;
  readonly reports: Reports;
  readonly graves: Graves;
  readonly fresh: Fresh;
  /** Ends the agent: the site has left the federation. */
  readonly leave: () => void;
}
