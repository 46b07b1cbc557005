/** What is true of this box, gathered without changing it; `host-findings.ts` judges it. */
import { access, constants, readFile, statfs } from "node:fs/promises";
import { join } from "node:path";
import { runProcess } from "#base/process.ts";
import { cacheDir, stateHome } from "./folders.ts";

/** Programs the lab calls on the host, and the Debian package that brings each. */
export const PROGRAMS: Readonly<Record<string, string>> = {
  "systemd-nspawn": "systemd-container",
  mmdebstrap: "mmdebstrap",
  ip: "iproute2",
  nft: "nftables",
  ssh: "openssh-client",
  curl: "curl",
};

export type KernelFeature = "bridge" | "veth" | "overlay" | "nf_tables" | "br_netfilter";

/** A route of the host, from the kernel's table. */
export interface Route {
  readonly cidr: string;
  readonly device: string;
}

export interface HostFacts {
  /** Such as `linux`. */
  readonly platform: string;
  readonly root: boolean;
  readonly debianLike: boolean;
  /** Names of the programs that are not on the path. */
  readonly missingPrograms: readonly string[];
  /** Undefined where it could not be tried (no root, or no `ip` and `nft` yet). */
  readonly kernel: Readonly<Record<KernelFeature, boolean | undefined>>;
  readonly cgroup: { readonly version: 1 | 2 | undefined; readonly controllers: readonly string[] };
  readonly memoryMiB: number;
  /** Free where the state and the cache go, by folder. */
  readonly diskGiB: Readonly<Record<string, number>>;
  readonly inotifyInstances: number;
  /** Such as `1.26.1`; undefined where Go is not installed. */
  readonly go: string | undefined;
  readonly routes: readonly Route[];
}

/** Looks at everything; on anything but Linux most of it is absent. */
export async function gatherHostFacts(): Promise<HostFacts> {
  const missingPrograms = await findMissingPrograms(Object.keys(PROGRAMS));
  const root = process.getuid?.() === 0;
  return {
    platform: process.platform,
    root,
    debianLike: await hasProgram("apt-get"),
    missingPrograms,
    kernel: await tryKernel(root && !missingPrograms.includes("ip") && !missingPrograms.includes("nft")),
    cgroup: readCgroup(await text("/proc/self/mountinfo"), await text("/sys/fs/cgroup/cgroup.controllers")),
    memoryMiB: Math.floor(
      Number(/^MemAvailable:\s+(\d+)/m.exec(await text("/proc/meminfo"))?.[1] ?? 0) / 1024,
    ),
    diskGiB: await freeDisks([stateHome(), cacheDir()]),
    inotifyInstances: Number(await text("/proc/sys/fs/inotify/max_user_instances")),
    go: await goVersion(),
    routes: readRoutes(await text("/proc/net/route")),
  };
}

/** Those of the programs that are not on the path. */
export async function findMissingPrograms(programs: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(programs.map(hasProgram));
  return programs.filter((_, index) => !found[index]);
}

async function hasProgram(name: string): Promise<boolean> {
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/sbin"];
  const tries = folders.map((folder) => access(join(folder, name), constants.X_OK).then(() => true));
  return (await Promise.allSettled(tries)).some((result) => result.status === "fulfilled");
}

/** Tries each feature in a network namespace that vanishes with the command, so that nothing stays. */
async function tryKernel(possible: boolean): Promise<HostFacts["kernel"]> {
  const inside = async (...argv: readonly string[]): Promise<boolean | undefined> =>
    possible ? (await runProcess(["unshare", "--net", ...argv])).code === 0 : undefined;
  return {
    bridge: await inside("ip", "link", "add", "probe", "type", "bridge"),
    veth: await inside("ip", "link", "add", "probe", "type", "veth", "peer", "name", "other"),
    nf_tables: await inside("nft", "add table inet probe"),
    overlay: await hasModule("overlay", /\toverlay$/m.test(await text("/proc/filesystems"))),
    br_netfilter: await hasModule(
      "br_netfilter",
      (await text("/proc/sys/net/bridge/bridge-nf-call-iptables")) !== "",
    ),
  };
}

async function hasModule(name: string, loaded: boolean): Promise<boolean> {
  return loaded || (await runProcess(["modprobe", "--dry-run", name])).code === 0;
}

/** The version in use, and its controllers, from the mounts of this process. */
export function readCgroup(mounts: string, unified: string): HostFacts["cgroup"] {
  const lines = mounts.split("\n");
  if (lines.some((line) => / \/sys\/fs\/cgroup .* - cgroup2 /.test(line))) {
    return { version: 2, controllers: unified.trim().split(" ") };
  }
  const options = lines.flatMap((line) => / - cgroup \S+ (\S+)$/.exec(line)?.[1]?.split(",") ?? []);
  return {
    version: options.length > 0 ? 1 : undefined,
    controllers: options.filter((name) => name !== "rw"),
  };
}

/** Routes of `/proc/net/route` (addresses are little-endian hex), without the default route. */
export function readRoutes(table: string): readonly Route[] {
  return table
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(/\s+/))
    .map(([device = "", destination = "0", , , , , , mask = "0"]) => ({
      cidr: `${dotted(destination)}/${prefixOf(mask)}`,
      device,
    }))
    .filter((route) => !route.cidr.endsWith("/0"));
}

function dotted(hex: string): string {
  const octets = hex.match(/../g) ?? [];
  return octets
    .map((octet) => Number.parseInt(octet, 16))
    .toReversed()
    .join(".");
}

function prefixOf(mask: string): number {
  return Number.parseInt(mask, 16).toString(2).replaceAll("0", "").length;
}

async function freeDisks(folders: readonly string[]): Promise<Record<string, number>> {
  const free = await Promise.all(folders.map(async (folder) => [folder, await freeGiB(folder)] as const));
  return Object.fromEntries(free);
}

/** Free space where the folder is, or would be made. */
async function freeGiB(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return Math.floor((bavail * bsize) / 2 ** 30);
  } catch (error) {
    if (folder === "/") throw error;
    return freeGiB(join(folder, ".."));
  }
}

async function goVersion(): Promise<string | undefined> {
  const { code, stdout } = await runProcess(["go", "env", "GOVERSION"]);
  return code === 0 ? stdout.trim().replace(/^go/, "") : undefined;
}

/** A file's text, or nothing where it can't be read. */
async function text(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}
