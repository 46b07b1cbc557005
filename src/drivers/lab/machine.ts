/** One lab machine: its folder on disk, its start as a systemd-nspawn container, its end. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { worldFailed } from "#base/errors.ts";
import type { MachinePlan } from "#plan/plan.ts";
import type { RenderedFile } from "#render/files.ts";
import { processesOf, removeCgroups } from "./cgroups.ts";
import { thawMachine } from "./faults-freezer.ts";

const BOOT = fileURLToPath(new URL("./boot.sh", import.meta.url));

/**
 * Folders that must not lie on the overlay, because containers bring overlays of
 * their own and databases want the real file system; by the name of their folder.
 */
const BINDS: Readonly<Record<string, string>> = {
  containerd: "/var/lib/containerd",
  kubelet: "/var/lib/kubelet",
  etcd: "/var/lib/etcd",
};

export interface MachineFolder {
  readonly path: string;
  readonly upper: string;
  readonly log: string;
}

export function machineFolder(machinesDir: string, name: string): MachineFolder {
  const path = join(machinesDir, name);
  return { path, upper: join(path, "upper"), log: join(path, "console.log") };
}

/**
 * Makes a machine's folder complete or not at all: it is built beside its place
 * and renamed. `fillContainerd` puts the image store into an empty folder.
 */
export async function createFolder(
  folder: MachineFolder,
  machine: MachinePlan,
  seed: readonly RenderedFile[],
  fillContainerd: (target: string) => Promise<void>,
): Promise<void> {
  if (existsSync(folder.path)) return;
  const fresh = `${folder.path}.new`;
  await rm(fresh, { recursive: true, force: true });
  for (const name of ["upper", "work", "root"])
    await mkdir(join(fresh, name), { recursive: true, mode: 0o755 });
  for (const name of Object.keys(BINDS)) {
    if (name === "containerd" && machine.role !== "ecam") await fillContainerd(join(fresh, name));
    else await mkdir(join(fresh, name), { mode: 0o700 });
  }
  for (const file of seed) {
    const path = join(fresh, "upper", file.path);
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    await writeFile(path, file.content, { mode: file.mode });
  }
  await writeFile(join(fresh, "uuid"), machine.uuid);
  await rename(fresh, folder.path);
}

/** The uuid a machine's folder was made for; undefined where there is none. */
export async function folderUuid(folder: MachineFolder): Promise<string | undefined> {
  return readFile(join(folder.path, "uuid"), "utf8").catch(() => undefined);
}

export interface BootOptions {
  readonly machine: MachinePlan;
  readonly folder: MachineFolder;
  /** Read-only layers under the machine's own, topmost first. */
  readonly layers: readonly string[];
  readonly namespace: string;
  /** `cgroup.procs` files the machine enters. */
  readonly groups: readonly string[];
  /** The name nspawn knows it by; unique on the host. */
  readonly id: string;
}

/** Starts the container in a session of its own, so that it outlives this program; returns once its init runs. */
export async function boot(options: BootOptions): Promise<void> {
  const { folder, machine } = options;
  const lower = options.layers.join(":");
  const root = join(folder.path, "root");
  const nspawn = [
    "systemd-nspawn",
    `--directory=${root}`,
    "--boot",
    "--register=no",
    "--keep-unit",
    "--quiet",
    `--machine=${options.id}`,
    `--hostname=${machine.name}`,
    `--uuid=${machine.uuid}`,
    `--network-namespace-path=/run/netns/${options.namespace}`,
    "--capability=all",
    "--console=pipe",
    "--settings=no",
    "--link-journal=no",
    "--resolv-conf=off",
    "--timezone=off",
    "--system-call-filter=@keyring bpf keyctl",
    "--bind=/dev/kmsg",
    ...Object.entries(BINDS).map(([name, path]) => `--bind=${join(folder.path, name)}:${path}`),
  ];
  const argv = [
    "--mount",
    "--propagation",
    "private",
    "sh",
    BOOT,
    lower,
    folder.upper,
    join(folder.path, "work"),
    root,
    ...options.groups,
    "--",
    ...nspawn,
  ];
  const log = await open(folder.log, "a");
  const child = spawn("unshare", argv, { detached: true, stdio: ["ignore", log.fd, log.fd] });
  const ended = new Promise<number>((resolve) => child.on("exit", (code) => resolve(code ?? 128)));
  child.unref();
  await log.close();
  const failed = await Promise.race([ended, initOf(child.pid ?? 0)]);
  if (failed === undefined) return;
  const said = (await readFile(folder.log, "utf8")).trim().split("\n").slice(-5).join("\n");
  throw worldFailed("LAB_BOOT_FAILED", `${machine.name} did not start (exit ${failed}): ${said}`);
}

/** Waits until nspawn has a child, which is the machine's init. */
async function initOf(nspawn: number): Promise<undefined> {
  for (;;) {
    const children = await readFile(`/proc/${nspawn}/task/${nspawn}/children`, "utf8").catch(() => "");
    if (children.trim() !== "") return undefined;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Cuts the machine's power: every process in its groups dies at once, and the groups go. */
export async function cutPower(federation: string, name: string): Promise<void> {
  await thawMachine(federation, name); // a frozen process takes no signal
  for (let round = 0; round < 200; round++) {
    const pids = await processesOf(federation, name);
    if (pids.length === 0) {
      await removeCgroups(federation, name);
      return;
    }
    for (const pid of pids) signalKill(pid);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw worldFailed("LAB_KILL_FAILED", `processes of ${name} are still there after 4 s of SIGKILL`);
}

/** Ends a process that may have ended already. */
export function signalKill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
