/** What servers have and what machines on them ask for; each as far as it is known. */
import type { Draft } from "../draft.ts";
import type { Role, Site, Size } from "../federation.ts";
import type { DraftServer } from "./check.ts";

export type Sizes = Site["sizes"];
export type Load = Readonly<Record<Role, number>>;

/** What a server has for machines. */
export interface Capacity {
  readonly role: "full" | "witness";
  readonly cpus: number;
  /** Without dom0's share. */
  readonly memoryMiB: number;
  readonly dom0MemoryMiB: number;
  readonly disksGiB: readonly number[];
  readonly workers: number;
  /** Control planes it must carry: a witness's one, or the one that a device is for. */
  readonly required: number;
}

/** Undefined where any of it is unknown. */
export function capacityOf(server: DraftServer): Capacity | undefined {
  const { role, cpus, memoryMiB, dom0MemoryMiB, workers } = server;
  const disksGiB = server.disks?.map((disk) => disk?.sizeGiB);
  if (role === undefined || cpus === undefined || memoryMiB === undefined || dom0MemoryMiB === undefined)
    return undefined;
  if (workers === undefined || !disksGiB?.every((size) => size !== undefined)) return undefined;
  const forControlPlane = server.passthrough?.some((device) => device?.for === "controlplane");
  const required = role === "witness" || forControlPlane ? 1 : 0;
  return { role, cpus, memoryMiB: memoryMiB - dom0MemoryMiB, dom0MemoryMiB, disksGiB, workers, required };
}

/** Undefined where any size is unknown. */
export function sizesOf(sizes: Draft<Sizes>): Sizes | undefined {
  const whole = (size: Draft<Size>) =>
    size?.cpus !== undefined && size.memoryMiB !== undefined && size.diskGiB !== undefined;
  return whole(sizes?.ecam) && whole(sizes?.controlplane) && whole(sizes?.worker)
    ? (sizes as Sizes)
    : undefined;
}

/** The machines a server carries beside that many control planes. */
export function loadOf({ role, workers }: Capacity, controlplanes: number): Load {
  return role === "witness"
    ? { ecam: 0, controlplane: controlplanes, worker: 0 }
    : { ecam: 1, controlplane: controlplanes, worker: workers };
}

/** The least that a load asks for. */
export function needOf(sizes: Sizes, load: Load): Size {
  const sum = (part: keyof Size) =>
    load.ecam * sizes.ecam[part] +
    load.controlplane * sizes.controlplane[part] +
    load.worker * sizes.worker[part];
  return { cpus: sum("cpus"), memoryMiB: sum("memoryMiB"), diskGiB: sum("diskGiB") };
}

/**
 * How many control planes a server has room for beside its other machines, with
 * no CPU, memory or disk given out twice. Whether the disks can really be cut
 * that way is for the plan to find out: it may be fewer, never more.
 */
export function roomOf(capacity: Capacity, sizes: Sizes): number {
  const base = needOf(sizes, loadOf(capacity, 0));
  const each = sizes.controlplane;
  const fitting = (rest: number, part: number) => Math.max(0, Math.floor(rest / part));
  const total = capacity.disksGiB.reduce((sum, size) => sum + size, 0);
  const room = Math.min(
    fitting(capacity.cpus - base.cpus, each.cpus),
    fitting(capacity.memoryMiB - base.memoryMiB, each.memoryMiB),
    fitting(total - base.diskGiB, each.diskGiB),
    capacity.disksGiB.reduce((sum, size) => sum + fitting(size, each.diskGiB), 0),
  );
  return capacity.role === "witness" ? Math.min(1, room) : room;
}

/** `1 ECAM, 2 control planes and 1 worker`. */
export function describeLoad(load: Load): string {
  const parts = [
    [load.ecam, "ECAM"],
    [load.controlplane, "control plane"],
    [load.worker, "worker"],
  ] as const;
  const texts = parts
    .filter(([count]) => count > 0)
    .map(([count, noun]) => `${count} ${noun}${count === 1 ? "" : "s"}`);
  return new Intl.ListFormat("en-GB", { type: "conjunction" }).format(texts);
}
