/**
 * A containerd folder with every image imported and unpacked once. Each node
 * then starts from a copy by hard links, made in milliseconds, instead of
 * importing for itself.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { worldFailed } from "#base/errors.ts";
import { exists } from "./files.ts";
import { run, tied } from "./run.ts";

/** Raise it when the seed changes though its parts don't. */
export const SEED_REVISION = 1;

export interface SeedOptions {
  /** Folder with containerd and ctr. */
  readonly bin: string;
  readonly archives: readonly string[];
  /** Names of all images in them. */
  readonly images: readonly string[];
  readonly scratch: string;
  readonly signal?: AbortSignal | undefined;
  readonly say: (what: string) => void;
}

/** What an import does not need; each would leave a folder of its own in the seed. */
const DISABLED_PLUGINS = [
  "io.containerd.cri.v1.images",
  "io.containerd.cri.v1.runtime",
  "io.containerd.grpc.v1.cri",
  "io.containerd.internal.v1.opt",
  "io.containerd.nri.v1.nri",
  "io.containerd.snapshotter.v1.blockfile",
  "io.containerd.snapshotter.v1.erofs",
  "io.containerd.snapshotter.v1.native",
] as const;

/**
 * Imports the archives with a containerd of our own, which sees mounts of its own
 * and no other containerd. `out` becomes what a node has as /var/lib/containerd.
 * Needs root. The images carry the label by which kubelet never removes them: a
 * node may have no registry to fetch them from again. CRI's own labels are added
 * by a node's containerd when it starts.
 */
export async function makeSeed(out: string, options: SeedOptions): Promise<void> {
  const config = join(options.scratch, "containerd.toml");
  await writeFile(config, containerdConfig(out, join(options.scratch, "state")));
  const [program = "", ...args] = tied([
    "unshare",
    "--mount",
    join(options.bin, "containerd"),
    "--config",
    config,
  ]);
  const said: string[] = [];
  const daemon = spawn(program, args, { cwd: options.scratch, stdio: ["ignore", "ignore", "pipe"] });
  daemon.stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  daemon.on("error", (error) => said.push(error.message));
  try {
    await untilServing(daemon, options);
    options.say("importing images");
    const pinned = ["--label", "io.cri-containerd.pinned=pinned"];
    for (const archive of options.archives)
      await ctr(daemon, options, "images", "import", ...pinned, archive);
    await checkImported(daemon, options);
  } catch (error) {
    if (daemon.exitCode === null) throw error;
    throw worldFailed("COMPONENT_SEED", `containerd ended: ${said.join("").slice(-2000)}`, undefined, error);
  } finally {
    await stop(daemon);
  }
  // Made anew on each node: two nodes must not have one identity.
  await rm(join(out, "io.containerd.grpc.v1.introspection"), { recursive: true, force: true });
}

/**
 * Copies a seed to `target` (a node's /var/lib/containerd) by hard links, with
 * real copies of the databases, which containerd changes in place. Across file
 * systems everything is copied. Where `target` is there already, nothing is done.
 */
export async function cloneContainerdSeed(seed: string, target: string): Promise<void> {
  if (await exists(target)) return;
  const draft = `${target}.new`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(dirname(target), { recursive: true });
  try {
    await run(["cp", "--archive", "--link", seed, draft]);
  } catch {
    await rm(draft, { recursive: true, force: true });
    await run(["cp", "--archive", "--reflink=auto", seed, draft]);
  }
  for (const database of await databases(seed)) {
    await rm(join(draft, database));
    await copyFile(join(seed, database), join(draft, database));
  }
  await rename(draft, target);
}

/** Paths of the bolt files: each plugin keeps its own directly in its folder. */
async function databases(seed: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const plugin of await readdir(seed, { withFileTypes: true })) {
    if (!plugin.isDirectory()) continue;
    const names = await readdir(join(seed, plugin.name));
    found.push(...names.filter((name) => name.endsWith(".db")).map((name) => join(plugin.name, name)));
  }
  return found;
}

/** JSON's strings and lists are TOML's too. */
function containerdConfig(root: string, state: string): string {
  const disabled = JSON.stringify(DISABLED_PLUGINS);
  return [
    "version = 3",
    `root = ${JSON.stringify(root)}`,
    `state = ${JSON.stringify(state)}`,
    `disabled_plugins = ${disabled}`,
    "[grpc]",
    `address = "containerd.sock"`,
    "[ttrpc]",
    `address = "containerd.sock.ttrpc"`,
    "",
  ].join("\n");
}

/**
 * The daemon listens at a path relative to its folder, and ctr reaches it
 * through /proc: a cache folder deep in a home can exceed the 107 bytes that a
 * socket's address holds.
 */
function ctr(daemon: ChildProcess, options: SeedOptions, ...args: readonly string[]): Promise<string> {
  const address = `/proc/${daemon.pid}/cwd/containerd.sock`;
  const argv = [join(options.bin, "ctr"), "--address", address, "--namespace", "k8s.io", ...args];
  return run(tied(argv), { signal: options.signal, code: "COMPONENT_SEED" });
}

async function untilServing(daemon: ChildProcess, options: SeedOptions): Promise<void> {
  for (let tries = 0; ; tries++) {
    if (daemon.exitCode !== null) throw new Error("containerd ended before it served");
    try {
      await ctr(daemon, options, "version");
      return;
    } catch (error) {
      options.signal?.throwIfAborted();
      if (tries === 100) throw error;
      await sleep(100, undefined, { signal: options.signal });
    }
  }
}

/** `ctr images check` has a line per image: name, type, digest, "complete (n/n)", sizes, unpacked. */
async function checkImported(daemon: ChildProcess, options: SeedOptions): Promise<void> {
  const checked = await ctr(daemon, options, "images", "check");
  const missing = options.images.filter((name) => {
    const line = checked.split("\n").find((candidate) => candidate.startsWith(`${name} `)) ?? "";
    return !(/\bcomplete\b/.test(line) && /\btrue\s*$/.test(line));
  });
  if (missing.length === 0) return;
  throw worldFailed("COMPONENT_SEED", `not whole or not unpacked: ${missing.join(", ")}\n${checked}`);
}

/** Asks our containerd to end, which closes its databases, and waits for it. */
async function stop(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null || daemon.pid === undefined) return;
  const ended = once(daemon, "exit");
  daemon.kill("SIGTERM");
  const timer = setTimeout(() => daemon.kill("SIGKILL"), 30_000);
  await ended;
  clearTimeout(timer);
}
