/** How a ReplicaSchedulingPreference spreads replicas over clusters. */
import type { ClusterPreferences, PreferenceSpec } from "../api/preference.ts";
import { fnv32 } from "./fnv.ts";

export interface Replicas {
  /** Replicas that each cluster is to run; 0 for clusters without a preference. */
  readonly planned: Readonly<Record<string, number>>;
  /** Replicas that a cluster would get if it had room: asked for on top, so that they run as soon as it has. */
  readonly overflow: Readonly<Record<string, number>>;
}

export interface ReplicaState {
  /** Replicas that run and are ready, by cluster. */
  readonly current: Readonly<Record<string, number>>;
  /** What a cluster can run at most, where pods were found that it has no room for. */
  readonly capacity: Readonly<Record<string, number>>;
}

interface Share {
  readonly cluster: string;
  readonly hash: number;
  readonly weight: number;
  readonly least: number;
  /** By its preference; infinite where there is no limit. */
  readonly most: number;
  readonly capacity: number;
  planned: number;
  /** Of the planned ones, those it has only because they run there already. */
  kept: number;
}

/**
 * Every cluster gets its minimum, then (unless rebalancing) keeps what runs
 * there, then the rest goes out by weight; heavier clusters first, equal ones
 * in an order that differs from object to object.
 * @param key `namespace/name` of the object
 */
export function schedule(
  preference: PreferenceSpec,
  key: string,
  clusters: readonly string[],
  { current, capacity }: ReplicaState,
): Replicas {
  const shares = clusters
    .flatMap((cluster) => shareOf(preference, key, cluster, capacity))
    .toSorted(bySeniority);
  let left = preference.totalReplicas;
  for (const share of shares) {
    share.planned = Math.min(share.least, share.capacity, left);
    left -= share.planned;
  }
  if (!preference.rebalance) {
    for (const share of shares) {
      const running = Math.min(current[share.cluster] ?? 0, share.most, share.capacity);
      share.kept = Math.max(0, Math.min(running - share.planned, left));
      share.planned += share.kept;
      left -= share.kept;
    }
  }
  const { overflow, left: unplaced } = spread(shares, left);
  const planned = {
    ...zeros(clusters),
    ...Object.fromEntries(shares.map((one) => [one.cluster, one.planned])),
  };
  return { planned, overflow: preference.rebalance ? overflow : trimmed(overflow, unplaced) };
}

function zeros(clusters: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries(clusters.map((cluster) => [cluster, 0]));
}

function shareOf(
  { clusters }: PreferenceSpec,
  key: string,
  cluster: string,
  capacity: Readonly<Record<string, number>>,
): readonly Share[] {
  const wanted = preferenceOf(clusters, cluster);
  if (!wanted) return [];
  return [
    {
      cluster,
      hash: fnv32(cluster + key),
      weight: wanted.weight ?? 0,
      least: wanted.minReplicas ?? 0,
      most: wanted.maxReplicas ?? Number.POSITIVE_INFINITY,
      capacity: capacity[cluster] ?? Number.POSITIVE_INFINITY,
      planned: 0,
      kept: 0,
    },
  ];
}

/** Without any preferences all clusters weigh the same. */
function preferenceOf(clusters: PreferenceSpec["clusters"], cluster: string): ClusterPreferences | undefined {
  if (!clusters || Object.keys(clusters).length === 0) return { weight: 1 };
  return Object.hasOwn(clusters, cluster) ? clusters[cluster] : clusters["*"];
}

function bySeniority(left: Share, right: Share): number {
  if (left.weight !== right.weight) return right.weight - left.weight;
  return left.hash - right.hash || (left.cluster < right.cluster ? -1 : 1);
}

/** Rounds of handing out what is left by weight, rounded up, until nothing is left or nobody takes any. */
function spread(shares: readonly Share[], total: number): { overflow: Record<string, number>; left: number } {
  const overflow: Record<string, number> = {};
  let left = total;
  for (let open = shares, moved = true; moved; ) {
    const weights = open.reduce((sum, { weight }) => sum + weight, 0);
    const round = left;
    if (weights === 0 || round === 0) break;
    moved = false;
    open = open.filter((share) => {
      const due = Math.min(left, Math.ceil((round * share.weight) / weights));
      const covered = Math.min(due, share.kept);
      share.kept -= covered;
      const wanted = share.planned + due - covered;
      const allowed = Math.min(wanted, share.most, share.capacity);
      const excess = Math.min(wanted, share.most) - share.capacity;
      if (excess > 0) overflow[share.cluster] = excess;
      const taken = Math.max(0, allowed - share.planned);
      share.planned += taken;
      left -= taken;
      moved ||= taken > 0 || covered > 0;
      return allowed === wanted;
    });
  }
  return { overflow, left };
}

/** When nothing may move, a cluster without room is asked for no more than nobody else could take. */
function trimmed(overflow: Readonly<Record<string, number>>, most: number): Readonly<Record<string, number>> {
  const entries = Object.entries(overflow).map(([cluster, count]): [string, number] => [
    cluster,
    Math.min(count, most),
  ]);
  return Object.fromEntries(entries.filter(([, count]) => count > 0));
}
