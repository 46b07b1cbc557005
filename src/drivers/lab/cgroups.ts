/**
 * A machine's control groups: made before the machine starts (the machine takes
 * them as its own root), asked who is inside, and removed when it is gone.
 * Version 1 has one tree per controller, version 2 one tree for all.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const ROOT = "/sys/fs/cgroup";
const CONTROLLERS_V1 = [
  "cpu",
  "cpuacct",
  "cpuset",
  "memory",
  "devices",
  "freezer",
  "blkio",
  "pids",
  "systemd",
  "unified",
];
const CONTROLLERS_V2 = "+cpu +memory +pids +io +cpuset";

/** The kernel's default period of a processor quota, which it counts in. */
const PERIOD_US = 100_000;

export interface Limits {
  readonly memoryMiB: number;
  /** Processors it may keep busy at once. */
  readonly cpus: number;
  /** Weight against the other machines when the processors are short; 1024 is one vCPU's worth. */
  readonly cpuShares: number;
  /** Whether it may run real-time processes, such as Keepalived under `vrrp_rt_priority`. */
  readonly realtime?: boolean;
}

/**
 * Microseconds of each second that one machine may spend in real-time processes,
 * and all machines of all labs together. On version 1 a group starts with none.
 */
const REALTIME_US = 40_000;
const REALTIME_ALL_US = 800_000;

/** Which version this host's services run under. */
export function cgroupVersion(): "v1" | "v2" {
  return existsSync(join(ROOT, "cgroup.controllers")) ? "v2" : "v1";
}

/** The folders of a lab (`machine` undefined) or of one machine in it. */
function folders(federation: string, machine?: string): readonly string[] {
  const tail = ["panopticon", federation, ...(machine ? [machine] : [])];
  if (cgroupVersion() === "v2") return [join(ROOT, ...tail)];
  return CONTROLLERS_V1.filter((controller) => existsSync(join(ROOT, controller))).map((controller) =>
    join(ROOT, controller, ...tail),
  );
}

/** Makes a machine's groups with its limits; gives the `cgroup.procs` files a process writes itself into. */
export async function ensureCgroups(
  federation: string,
  machine: string,
  limits: Limits,
): Promise<readonly string[]> {
  const own = folders(federation, machine);
  for (const folder of own) await ensureFolder(folder);
  await setLimits(own, limits);
  if (limits.realtime) await allowRealtime(federation, machine);
  return own.map((folder) => join(folder, "cgroup.procs"));
}

/** Makes a folder and its parents under the controller's root, so that processes may enter it. */
async function ensureFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const parents = [join(folder, "../.."), join(folder, "..")];
  if (folder.startsWith(join(ROOT, "cpuset"))) {
    // A cpuset without processors and memory nodes refuses every process.
    for (const one of [...parents, folder]) {
      for (const file of ["cpuset.cpus", "cpuset.mems"]) {
        const value = await readFile(join(one, "..", file), "utf8");
        await writeFile(join(one, file), value.trim());
      }
    }
  }
  if (cgroupVersion() === "v2") {
    for (const one of [ROOT, ...parents])
      await writeFile(join(one, "cgroup.subtree_control"), CONTROLLERS_V2);
  }
}

async function setLimits(own: readonly string[], limits: Limits): Promise<void> {
  const bytes = String(limits.memoryMiB * 2 ** 20);
  for (const folder of own) {
    if (cgroupVersion() === "v2") {
      await writeFile(join(folder, "memory.max"), bytes);
      await writeFile(join(folder, "cpu.max"), `${limits.cpus * PERIOD_US} ${PERIOD_US}`);
      await writeFile(join(folder, "cpu.weight"), String(Math.max(1, Math.round(limits.cpuShares / 10.24))));
    } else if (folder.startsWith(join(ROOT, "memory"))) {
      await writeFile(join(folder, "memory.limit_in_bytes"), bytes);
    } else if (folder.startsWith(`${join(ROOT, "cpu")}/`)) {
      await writeFile(join(folder, "cpu.shares"), String(limits.cpuShares));
      await writeFile(join(folder, "cpu.cfs_quota_us"), String(limits.cpus * PERIOD_US));
    }
  }
}

/** A parent's time is shared by its children, so it is given from the top down; a kernel without the setting needs none. */
async function allowRealtime(federation: string, machine: string): Promise<void> {
  const parts = ["panopticon", federation, machine];
  for (const depth of [1, 2, 3]) {
    const file = join(ROOT, "cpu", ...parts.slice(0, depth), "cpu.rt_runtime_us");
    if (!existsSync(file)) return;
    await writeFile(file, String([REALTIME_ALL_US, REALTIME_ALL_US / 2, REALTIME_US][depth - 1]));
  }
}

/** Process ids inside a machine's groups, the machine's own sub-groups included; empty when it is off. */
export async function processesOf(federation: string, machine: string): Promise<readonly number[]> {
  // Every controller sees the same processes; `pids` is always there on version 1.
  const [folder] = folders(federation, machine).filter(
    (one) => cgroupVersion() === "v2" || one.startsWith(join(ROOT, "pids")),
  );
  return folder ? processesBelow(folder) : [];
}

async function processesBelow(folder: string): Promise<number[]> {
  const own = await readFile(join(folder, "cgroup.procs"), "utf8").catch(() => "");
  const below = await Promise.all((await subfolders(folder)).map(processesBelow));
  return [...own.split("\n").filter(Boolean).map(Number), ...below.flat()];
}

/**
 * Removes the groups of a machine, or of the whole lab, deepest first. Leftover
 * container groups made a killed machine take 38 s to come back (knowledge: lab).
 */
export async function removeCgroups(federation: string, machine?: string): Promise<void> {
  for (const folder of folders(federation, machine)) await removeTree(folder);
  if (machine !== undefined) return;
  // The common parent goes with the last lab.
  for (const folder of folders(federation)) await rmdir(join(folder, "..")).catch(() => undefined);
}

async function removeTree(folder: string): Promise<void> {
  for (const below of await subfolders(folder)) await removeTree(below);
  await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
}

async function subfolders(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
}

/** Whether any federation's lab has groups on this host. */
export async function anyLabCgroups(): Promise<boolean> {
  const [folder] = folders("."); // the folder that holds every lab
  return folder !== undefined && (await subfolders(folder)).length > 0;
}

/** Names of the machines that have groups, running or not. */
export async function machinesWithCgroups(federation: string): Promise<readonly string[]> {
  const [folder] = folders(federation);
  return folder ? (await subfolders(folder)).map((one) => one.slice(folder.length + 1)) : [];
}
