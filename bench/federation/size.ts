/** How much of the load is put on each of the two. */
export interface Size {
  /** Objects made, changed, drifted one by one. */
  readonly singles: number;
  /** Objects of the burst that both are given. */
  readonly burst: number;
  /** Objects of the large burst, ours first; undefined where it would take too long. */
  readonly large: { readonly ours: number | undefined; readonly peer: number | undefined };
  /** Seconds that a member is down. */
  readonly away: number;
  /** Objects made meanwhile. */
  readonly missed: number;
}

export type SizeName = "quick" | "usual" | "full";

/** kubefed brings 20 objects a second to a member, so its large bursts alone take ten minutes. */
export const SIZES: Readonly<Record<SizeName, Size>> = {
  quick: { singles: 20, burst: 200, large: { ours: undefined, peer: undefined }, away: 15, missed: 100 },
  usual: { singles: 60, burst: 500, large: { ours: 2000, peer: undefined }, away: 60, missed: 200 },
  full: { singles: 100, burst: 500, large: { ours: 2000, peer: 2000 }, away: 60, missed: 200 },
};
