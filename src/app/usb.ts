/** `usb build`: an image for a stick that installs one of the file's servers. */
import { randomUUID } from "node:crypto";
import { chmod, lstat, mkdtemp, open, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { worldFailed, wrongUse } from "#base/errors.ts";
import type { Emit } from "#base/events.ts";
import { mustRun } from "#base/process.ts";
import { requireBootstrapTools } from "#components/bootstrap.ts";
import { OVERHEAD_MIB, SYSTEM_MIB } from "#components/server/recipe.ts";
import { makeStick, requireStickTools } from "#components/server/stick.ts";
import { ensureSystem, presentSystem } from "#components/server/system.ts";
import type { Federation, Server, Site } from "#model/federation.ts";
import { nearest } from "#model/nearest.ts";
import type { RenderedFile } from "#render/files.ts";
import { serverFiles } from "#render/usb/server-files.ts";
import { type Stick, stickFiles, stickLabel, type WantedDisk, wantedDisks } from "#render/usb/stick.ts";
import { cacheDir } from "./folders.ts";
import { fingerprintOf, pinKey } from "./server-key.ts";

/** Sticks are made of one system for a day, whatever the archive does meanwhile. */
const FRESH_H = 24;
const SIZE = { systemMiB: SYSTEM_MIB, overheadMiB: OVERHEAD_MIB };

export interface UsbOptions {
  /** `SITE/SERVER`. */
  readonly server: string;
  /** The image to write. */
  readonly out: string;
  /** Public keys that root of the server shall accept; `~/.ssh/id_ed25519.pub` where it is not given. */
  readonly authorize?: string;
  /** Takes the server's host key; `~/.ssh/known_hosts` where it is not given. */
  readonly knownHosts?: string;
  readonly overwrite: boolean;
  readonly dryRun: boolean;
  readonly emit: Emit;
  readonly signal?: AbortSignal | undefined;
}

export interface UsbResult {
  readonly site: string;
  readonly server: string;
  readonly address: string;
  readonly out: string;
  /** Which disks the stick may write, the system's first. */
  readonly disks: readonly WantedDisk[];
  readonly knownHosts: string;
  /** Missing in a dry run, as is the size. */
  readonly fingerprint?: string;
  readonly bytes?: number;
  readonly seconds?: number;
  /** Of the system that it installs; missing in a dry run where it is still to be built. */
  readonly system?: { readonly version: string; readonly kernel: string; readonly xen: string };
}

/** Errors: USB_…, COMPONENT_…; an image is written whole or not at all. */
export async function buildUsb(federation: Federation, options: UsbOptions): Promise<UsbResult> {
  const began = performance.now();
  const { site, server } = findServer(federation, options.server);
  const { address } = server;
  if (address === undefined) {
    throw wrongUse(
      "USB_NO_ADDRESS",
      `the file does not say at which address ${options.server} shall be reached.`,
      "Give the server an `address:` in the site's LAN, which is dom0's own.",
    );
  }
  const { overwrite, dryRun, emit, signal } = options;
  refuseOverwrite(server, overwrite);
  const authorizedKey = await readAuthorized(options.authorize);
  const out = resolve(options.out);
  await refuseTaken(out);
  await requireBootstrapTools();
  await requireStickTools();
  const knownHosts = options.knownHosts ?? join(homedir(), ".ssh/known_hosts");
  const disks = wantedDisks(server, SIZE);
  const common = { site: site.name, server: server.name, address, out, disks, knownHosts };
  const have = { cacheDir: cacheDir(), freshHours: FRESH_H };
  if (dryRun) return { ...common, ...describe(await presentSystem(have)) };
  const system = await ensureSystem({ ...have, emit, signal });
  const stick: Stick = { federation: federation.name, site, server, id: randomUUID(), overwrite };
  emit({ kind: "progress", subject: options.server, what: "making the stick's image", expectedSeconds: 5 });
  const scratch = await privateFolder(out);
  try {
    const key = await newHostKey(scratch);
    const keys = { authorizedKey, hostKeyPrivate: key.private, hostKeyPublic: key.public };
    const draft = join(scratch, basename(out));
    const contents = {
      label: stickLabel(stick),
      files: stickFiles(stick, SIZE).map(fromTop),
      seed: serverFiles(site, server, address, keys).map(fromTop),
    };
    const bytes = await makeStick(draft, contents, system, { scratch, signal });
    await chmod(draft, 0o600);
    const [type = "", base64 = ""] = key.public.split(" ");
    await pinKey(knownHosts, `${address} ${type} ${base64}`);
    await rename(draft, out);
    const seconds = (performance.now() - began) / 1000;
    return { ...common, ...describe(system), fingerprint: fingerprintOf(base64), bytes, seconds };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function describe(system: Awaited<ReturnType<typeof presentSystem>>): Pick<UsbResult, "system"> {
  if (system === undefined) return {};
  const { version, info } = system;
  return { system: { version, kernel: info.kernel, xen: info.xen } };
}

function findServer(federation: Federation, name: string): { readonly site: Site; readonly server: Server } {
  const all = federation.sites.flatMap((site) => site.servers.map((server) => ({ site, server })));
  const nameOf = (each: (typeof all)[number]): string => `${each.site.name}/${each.server.name}`;
  const found = all.find((each) => nameOf(each) === name);
  if (found) return found;
  const names = all.map(nameOf);
  const near = nearest(name, names);
  throw wrongUse(
    "USB_SERVER_UNKNOWN",
    `the file has no server ${name}.`,
    near ? `Did you mean ${near}?` : `There are ${names.join(", ") || "none"}.`,
  );
}

/** Consent to lose what is on a disk is for one disk that a person has named. */
function refuseOverwrite(server: Server, overwrite: boolean): void {
  const [first] = server.disks;
  if (!overwrite || first?.serial !== undefined) return;
  throw wrongUse(
    "USB_OVERWRITE",
    `--overwrite is for a disk that the file names by its serial, and ${first?.name} of ${server.name} has none.`,
    "Give the disk its `serial:`, as `lsblk -d -o NAME,SIZE,SERIAL` shows it.",
  );
}

const PUBLIC_KEY = /^(ssh-[a-z0-9-]+|ecdsa-[a-z0-9-]+|sk-[a-z0-9@.-]+) [A-Za-z0-9+/]+=*( .*)?$/;

async function readAuthorized(file = join(homedir(), ".ssh/id_ed25519.pub")): Promise<string> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  const line = text?.split("\n").find((each) => PUBLIC_KEY.test(each.trim()));
  if (line !== undefined) return line.trim();
  throw wrongUse(
    "USB_NO_KEY",
    text === undefined ? `${file} can't be read.` : `${file} holds no public key of OpenSSH's.`,
    "Name the public key that shall be let in: --authorize FILE; `ssh-keygen -t ed25519` makes one.",
  );
}

/** An image of ours is replaced; anything else, and above all a device, is left alone. */
async function refuseTaken(out: string): Promise<void> {
  const found = await lstat(out).catch(() => undefined);
  if (found === undefined) return;
  if (found.isFile() && (found.size === 0 || (await isOurs(out)))) return;
  throw wrongUse(
    "USB_OUT_TAKEN",
    `${out} is there already and is no image of a stick.`,
    found.isBlockDevice()
      ? "Write the image to a file first; the command then says how it comes onto the stick."
      : "Choose another name, or take it away.",
  );
}

/** The name of an ISO 9660 file system stands 40 bytes into its 16th sector (ECMA-119, 8.4). */
async function isOurs(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(32), 0, 32, 16 * 2048 + 40);
    return buffer.toString("latin1").startsWith("PANOPTICON_");
  } finally {
    await handle.close();
  }
}

/** Beside the image, so that the finished one takes its place by one rename; nobody else may look in. */
async function privateFolder(out: string): Promise<string> {
  try {
    return await mkdtemp(join(dirname(out), ".usb-"));
  } catch (error) {
    throw worldFailed(
      "USB_OUT",
      `nothing can be written into ${dirname(out)}: ${(error as Error).message}`,
      "Choose another folder for --out.",
      error,
    );
  }
}

async function newHostKey(folder: string): Promise<{ readonly private: string; readonly public: string }> {
  const file = join(folder, "host");
  await mustRun("USB_KEY", ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file]);
  const read = (name: string): Promise<string> => readFile(name, "utf8");
  return { private: await read(file), public: (await read(`${file}.pub`)).trim() };
}

function fromTop({ path, content, mode }: RenderedFile) {
  return { path: path.slice(1), content, mode };
}
