/** What work costs: processor time and memory by /proc, writes by etcd's count of revisions. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Kube } from "#ports/kube.ts";
import type { Contender } from "./contender.ts";

/** USER_HZ, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const LOOK_SECONDS = 2;
const SETTLE_SECONDS = 120;

export interface Spent {
  /** Milliseconds of processor time since each process began. */
  readonly controllers: number;
  readonly hubServer: number;
  readonly hubStore: number;
  readonly memberServers: number;
  /** etcd revisions of the hub. */
  readonly writes: number;
  readonly at: number;
}

export async function spentBy(contender: Contender, hub: Kube): Promise<Spent> {
  const { hub: plane, members } = contender;
  return {
    controllers: cpuMs(contender.controllers()),
    hubServer: cpuMs([plane.apiServer.pid]),
    hubStore: cpuMs([plane.etcd.pid]),
    memberServers: cpuMs(members.flatMap((member) => [member.apiServer.pid, member.etcd.pid])),
    writes: await revisionOf(hub),
    at: performance.now(),
  };
}

export function cpuMs(pids: readonly (number | undefined)[]): number {
  return pids.reduce<number>((sum, pid) => sum + (pid === undefined ? 0 : cpuOf(pid)), 0);
}

/** proc_pid_stat(5): utime and stime are fields 14 and 15, after the name in parentheses. */
function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}

/** Resident memory of each, in MiB. */
export function residentMiB(pids: readonly number[]): readonly number[] {
  return pids.map((pid) => {
    const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return Number(line?.[1] ?? Number.NaN) / 1024;
  });
}

/** A list without a version is as new as the store: its version is the store's revision. */
export async function revisionOf(kube: Kube): Promise<number> {
  const { text } = await kube.raw("/api/v1/namespaces?limit=1");
  return Number((JSON.parse(text) as { metadata: { resourceVersion: string } }).metadata.resourceVersion);
}

/** Writes per second where nothing is asked for: heartbeats, leases. */
export async function idleWrites(kube: Kube, seconds: number): Promise<number> {
  const before = await revisionOf(kube);
  await sleep(seconds * 1000);
  return ((await revisionOf(kube)) - before) / seconds;
}

/** Waits until the hub is written to no more than when idle: statuses come after the copies. */
export async function settled(kube: Kube, idle: number): Promise<void> {
  const end = performance.now() + SETTLE_SECONDS * 1000;
  while (performance.now() < end) {
    if ((await idleWrites(kube, LOOK_SECONDS)) <= idle + 2) return;
  }
}
