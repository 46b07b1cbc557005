/** Machines that were brought up from here, in a lab or on servers, and how they are reached. */
import { mkdir, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wrongUse } from "#base/errors.ts";
import { keyFolders } from "#converge/keyring.ts";
import { replaceFile } from "#converge/pki/store.ts";
import { type SshIdentity, sshConfig } from "#drivers/ssh/options.ts";
import { quoteCommand } from "#drivers/ssh/quote.ts";
import { openSshShell } from "#drivers/ssh/shell.ts";
import type { Role } from "#model/federation.ts";
import type { MachinePlan, Plan, SitePlan } from "#plan/plan.ts";
import type { Shell } from "#ports/shell.ts";
import { previousPlan } from "./files.ts";
import { stateDir, stateHome } from "./folders.ts";
import { type ServerAccess, wayToMachines } from "./server-access.ts";

export interface KnownMachine {
  readonly plan: Plan;
  readonly site: SitePlan;
  readonly machine: MachinePlan;
}

/** Which machines are meant; what is not given excludes none. */
export interface Selection {
  readonly federation?: string;
  readonly site?: string;
  readonly role?: Role;
  readonly machines?: readonly string[];
}

/** The machines that are meant, in the order of their plans; MACHINE_UNKNOWN or MACHINE_AMBIGUOUS (exit 2). */
export async function findMachines(selection: Selection): Promise<readonly KnownMachine[]> {
  const { federation, site, role, machines } = selection;
  const known = (await knownPlans()).flatMap((plan) =>
    plan.sites.flatMap((each) => each.machines.map((machine) => ({ plan, site: each, machine }))),
  );
  const found = known.filter(
    (each) =>
      (federation === undefined || each.plan.federation === federation) &&
      (site === undefined || each.site.name === site) &&
      (role === undefined || each.machine.role === role) &&
      (machines === undefined || machines.includes(each.machine.name)),
  );
  const missing = machines?.filter((name) => !found.some(({ machine }) => machine.name === name)) ?? [];
  if (found.length === 0 || missing.length > 0) throw unknown(missing, known);
  const twice = found.filter(({ plan, machine }) =>
    found.some((other) => other.machine.name === machine.name && other.plan !== plan),
  );
  if (twice.length > 0) throw ambiguous(twice);
  return found;
}

function unknown(missing: readonly string[], known: readonly KnownMachine[]) {
  const what = missing.length > 0 ? `no machine called ${missing.join(", ")}` : "no such machine";
  return wrongUse(
    "MACHINE_UNKNOWN",
    `${what} was brought up from here.`,
    known.length > 0
      ? `There are ${known.map(({ machine }) => machine.name).join(", ")}.`
      : "Start with `panopticon lab up FILE` or `panopticon apply FILE`.",
  );
}

function ambiguous(twice: readonly KnownMachine[]) {
  const federations = [...new Set(twice.map(({ plan }) => plan.federation))];
  const [first] = twice;
  return wrongUse(
    "MACHINE_AMBIGUOUS",
    `${first?.machine.name} is a machine of ${federations.join(" and of ")}.`,
    `Say which: --federation ${federations[0]}`,
  );
}

async function knownPlans(): Promise<readonly Plan[]> {
  const folders = await readdir(stateHome(), { withFileTypes: true }).catch(() => []);
  const names = folders.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const plans = await Promise.all(names.toSorted().map((name) => previousPlan(name)));
  return plans.filter((plan) => plan !== undefined);
}

/** Commands on the machines of one site, with their pinned host keys. */
export async function openMachines(plan: Plan, site: SitePlan): Promise<Shell> {
  const { identity, jumpTo } = await wayTo(plan, site);
  const addresses = new Map(site.machines.map(({ name, address }) => [name, address]));
  return openSshShell({
    ...identity,
    addressOf: (machine) => addresses.get(machine) ?? "",
    ...(jumpTo && { jumpTo }),
    controlDir: controlDir(),
  });
}

/**
 * The `ssh` command that opens a shell on a machine, or runs `words` there. The
 * configuration it names stays in the state folder for the person's own use.
 */
export async function shellCommand(
  { plan, machine }: KnownMachine,
  words: readonly string[],
): Promise<readonly string[]> {
  const config = await writeSshConfig(plan);
  return ["ssh", "-F", config, machine.name, ...(words.length > 0 ? ["--", quoteCommand(words)] : [])];
}

/** Writes how `ssh` reaches the federation's machines; gives the file, which a person's own configuration may include. */
export async function writeSshConfig(plan: Plan): Promise<string> {
  const folder = keyFolders(stateDir(plan.federation)).ssh;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const sites = await Promise.all(
    plan.sites.map(async (site) => {
      const { identity, jumpTo } = await wayTo(plan, site);
      return sshConfig(identity, site.machines, jumpTo);
    }),
  );
  const path = join(folder, "config");
  await replaceFile(path, sites.join("\n"));
  return path;
}

async function wayTo(plan: Plan, site: SitePlan) {
  const folders = keyFolders(stateDir(plan.federation));
  const identity: SshIdentity = {
    keyFile: folders.operatorKey,
    knownHostsFile: folders.knownHosts(site.name),
  };
  const access = await keptAccess(plan.federation);
  return { identity, jumpTo: access && wayToMachines(site, access) };
}

function accessFile(federation: string): string {
  return join(stateDir(federation), "access.json");
}

/** Keeps how servers let us in, for the commands that come after. */
export async function keepAccess(federation: string, access: ServerAccess): Promise<void> {
  await replaceFile(accessFile(federation), `${JSON.stringify(access)}\n`);
}

/** How servers let us in the last time; undefined where nothing was applied from here. */
export async function keptAccess(federation: string): Promise<ServerAccess | undefined> {
  const text = await readFile(accessFile(federation), "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as ServerAccess);
}

/** ssh's sockets want a short path in a folder of our own. */
export function controlDir(): string {
  return join(process.env["XDG_RUNTIME_DIR"] ?? tmpdir(), `panopticon-${process.getuid?.() ?? 0}`);
}
