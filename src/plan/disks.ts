import type { Disk } from "#model/federation.ts";
import type { MachineDisk } from "./plan.ts";

/** A root disk to be cut from one of a server's disks. */
export interface Root {
  /** Name of the machine it is for. */
  readonly machine: string;
  readonly sizeGiB: number;
  /** The disk it was cut from before, where it was. */
  readonly before?: string | undefined;
}

/** By machine, the name of the disk its root is cut from. */
export type Cuts = ReadonlyMap<string, string>;

/**
 * Cuts root disks the quick way: those that exist stay where they are, then the
 * largest goes first, each to the disk with the most left. Undefined where that
 * does not fit, which does not mean that nothing does.
 */
export function cutRoots(disks: readonly Disk[], roots: readonly Root[]): Cuts | undefined {
  const left = new Map(disks.map(({ name, sizeGiB }) => [name, sizeGiB]));
  const cuts = new Map<string, string>();
  const isKept = (root: Root) => root.before !== undefined && left.has(root.before);
  const bySize = [...roots].sort((one, other) => other.sizeGiB - one.sizeGiB);
  for (const root of [...bySize.filter(isKept), ...bySize.filter((root) => !isKept(root))]) {
    const disk = isKept(root) ? root.before : emptiest(left);
    const rest = disk === undefined ? -1 : (left.get(disk) ?? 0) - root.sizeGiB;
    if (disk === undefined || rest < 0) return undefined;
    left.set(disk, rest);
    cuts.set(root.machine, disk);
  }
  return cuts;
}

/**
 * What the roots leave of each disk goes to the server's workers in even shares
 * of whole GiB, one data disk from each of the server's disks with room.
 */
export function shareRest(
  disks: readonly Disk[],
  roots: readonly Root[],
  cuts: Cuts,
  workers: number,
): readonly MachineDisk[] {
  if (workers === 0) return [];
  const shares = disks.map((disk) => {
    const used = roots.filter(({ machine }) => cuts.get(machine) === disk.name);
    const left = disk.sizeGiB - used.reduce((sum, { sizeGiB }) => sum + sizeGiB, 0);
    return { from: disk.name, sizeGiB: Math.floor(left / workers) };
  });
  return shares
    .filter(({ sizeGiB }) => sizeGiB >= 1)
    .map((share, index) => ({ name: index === 0 ? "data" : `data-${index + 1}`, ...share }));
}

/** The disk with the most left; the first of equals. */
function emptiest(left: ReadonlyMap<string, number>): string | undefined {
  return [...left].reduce<[string, number] | undefined>(
    (best, disk) => (best === undefined || disk[1] > best[1] ? disk : best),
    undefined,
  )?.[0];
}
