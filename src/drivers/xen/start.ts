/** A machine's start: refusals first, then its disks, its file, and its domain. */
import { setTimeout as sleep } from "node:timers/promises";
import { worldFailed } from "#base/errors.ts";
import type { MachinePlan } from "#plan/plan.ts";
import type { Shell } from "#ports/shell.ts";
import type { RenderedFile } from "#render/files.ts";
import { volumeName, type XenDomain } from "#render/xen/domain.ts";
import type { Domain, ServerFacts } from "./facts.ts";
import { ownDomain, refuseDevices, refuseMemory, refuseSpace, refuseType } from "./refuse.ts";
import { destroyDomain, locked } from "./toolstack.ts";
import { makeEmpty, makeRoot, type Volume } from "./volume.ts";

export interface StartOptions {
  readonly shell: Shell;
  readonly server: { readonly name: string; readonly host: string };
  /** Looks at the server anew. */
  readonly facts: () => Promise<ServerFacts>;
  readonly federation: string;
  readonly machine: MachinePlan;
  readonly domain: XenDomain;
  /** Its configuration file. */
  readonly file: RenderedFile;
  readonly seed: readonly RenderedFile[];
  /** The image's folder on the server. */
  readonly image: string;
}

/** How long a domain may be in the making before it counts as left behind. */
const BUILD_SECONDS = 60;

/** Brings the machine from whatever it is to running; returns once its domain runs. */
export async function startDomain(options: StartOptions): Promise<void> {
  const { server, domain, machine, shell } = options;
  const { facts, own } = await settled(options);
  if (own?.state === "running") return;
  if (own !== undefined) {
    // Crashed and kept, or left half made by a run that was killed.
    await destroyDomain(shell, server, facts, machine.name, machine.uuid);
  }
  const now = own === undefined ? facts : await options.facts();
  refuseType(server.name, now, domain);
  refuseDevices(server.name, now, domain);
  refuseMemory(server.name, now, domain);
  await makeVolumes(options, now);
  await writeDomainFile(options);
  await makeAssignable(options, now);
  await create(options);
}

/** The file that the next start reads, and the link by which the server's own boot does. */
export async function writeDomainFile(options: StartOptions): Promise<void> {
  const { shell, server, file, machine } = options;
  await shell.put(server.host, [file]);
  await must(options, ["mkdir", "-p", "/etc/xen/auto"]);
  await must(options, ["ln", "-sfnT", file.path, `/etc/xen/auto/${machine.name}.cfg`]);
}

/** The server's facts once no domain of this name is in the making by somebody who still works on it. */
async function settled(options: StartOptions): Promise<{ facts: ServerFacts; own: Domain | undefined }> {
  const { server, machine } = options;
  for (let waited = 0; ; waited += 2) {
    const facts = await options.facts();
    const own = ownDomain(server.name, facts, machine);
    const unnamed = facts.domains.some(({ state, uuid }) => state === "building" && uuid === machine.uuid);
    if (own?.state !== "building" && own?.state !== "paused" && !unnamed) return { facts, own };
    // Whoever makes it holds the lock: once it is had, nobody does.
    if (waited === 0) await must(options, [...locked(machine.name), "true"]);
    else if (own?.state === "paused" || waited >= BUILD_SECONDS) return { facts, own };
    await sleep(2000);
  }
}

async function makeVolumes(options: StartOptions, facts: ServerFacts): Promise<void> {
  const { server, machine, federation, shell } = options;
  const volumes = machine.disks.map((disk) => ({
    group: disk.from,
    name: volumeName(federation, machine.name, disk.name),
    sizeGiB: disk.sizeGiB,
    root: disk.name === "root",
  }));
  const absent = volumes.filter(({ group, name }) => !facts.volumes.has(`${group}/${name}`));
  const wanted = new Map<string, number>();
  for (const { group, sizeGiB } of absent) wanted.set(group, (wanted.get(group) ?? 0) + sizeGiB * 1024);
  refuseSpace(server.name, facts, machine.name, wanted);
  const lock = locked(machine.name);
  for (const volume of absent satisfies readonly Volume[]) {
    if (volume.root) await makeRoot(shell, server.host, lock, volume, options.image, options.seed);
    else await makeEmpty(shell, server.host, lock, volume);
  }
}

/** Takes the devices away from dom0's drivers; they were found fit to be given away. */
async function makeAssignable(options: StartOptions, facts: ServerFacts): Promise<void> {
  const wanted = options.domain.pci.filter((address) => !facts.assignable.has(address));
  if (wanted.length === 0) return;
  await must(options, ["modprobe", "xen-pciback"]);
  for (const address of wanted) await must(options, ["xl", "pci-assignable-add", address]);
}

/** `xl create`, whose word is less than what is then seen: it may have been made by a run before this one. */
async function create(options: StartOptions): Promise<void> {
  const { server, machine, shell, file } = options;
  const { code, stderr } = await shell.run(server.host, [
    ...locked(machine.name),
    "xl",
    "create",
    "-q",
    file.path,
  ]);
  if (code === 0) return;
  const own = ownDomain(server.name, await options.facts(), machine);
  if (own?.state === "running") return;
  const said = stderr.trim().split("\n").slice(-5).join("\n");
  throw worldFailed(
    "XEN_CREATE_FAILED",
    `${machine.name} could not be created on ${server.name}: ${said}`,
    `See /var/log/xen/xl-${machine.name}.log there.`,
  );
}

/** A command on the machine's server that must end well. */
export async function must(options: StartOptions, argv: readonly string[]): Promise<void> {
  const { code, stderr } = await options.shell.run(options.server.host, argv);
  if (code === 0) return;
  const where = options.server.name;
  throw worldFailed("XEN_COMMAND_FAILED", `\`${argv.join(" ")}\` on ${where}: ${stderr.trim()}`);
}
