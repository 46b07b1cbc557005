/**
 * The operator's machine was lost: its state folder is built anew from what the
 * sites keep (`converge/kept.ts`). In a lab the machines are entered from the box
 * they run on. Nothing of the sites is changed but whom the machines let in: the
 * lost operator's key opens none of them any more.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PanopticonError, type Problem, worldFailed, wrongUse } from "#base/errors.ts";
import type { Emit } from "#base/events.ts";
import { KEPT_PATH, type Kept, keptPaths, PLAN_FILE, readKept } from "#converge/kept.ts";
import { keyFolders, openKeyring } from "#converge/keyring.ts";
import { ensureSshKeys } from "#converge/pki/ssh.ts";
import { createOnce, readIfThere } from "#converge/pki/store.ts";
import { openLabDoor, runningInLab } from "#drivers/lab/door.ts";
import type { FederationFile } from "#model/federation.ts";
import { diffPlans } from "#plan/difference.ts";
import { makePlan } from "#plan/make.ts";
import type { MachinePlan, Plan, SitePlan } from "#plan/plan.ts";
import type { Shell } from "#ports/shell.ts";
import { renderSeed } from "#render/seed.ts";
import { labPlatform } from "#render/files.ts";
import { cgroupVersion } from "#drivers/lab/cgroups.ts";
import { readPlan } from "./files.ts";
import { stateDir } from "./folders.ts";
import { exclusively, requireRoot } from "./lab.ts";
import { now, onPrem } from "./site-context.ts";

export interface AdoptedSite {
  readonly site: string;
  /** The control plane whose copy was taken. */
  readonly from: string;
  /** Machines that run and let us in. */
  readonly machines: readonly string[];
  /** Planned machines that do not run; they are adopted by another run, once they do. */
  readonly off: readonly string[];
}

export interface AdoptResult {
  readonly plan: Plan;
  readonly sites: readonly AdoptedSite[];
  /** Files of the state folder that were written. */
  readonly written: number;
  /** What the file asks for beside what is there, in words. */
  readonly differs: readonly string[];
}

/** Errors: ADOPT_…, and PKI_… where what a site keeps does not fit together. */
export async function adoptFile(file: FederationFile, emit: Emit): Promise<AdoptResult> {
  const { name } = file.federation;
  const up = await runningInLab(name);
  if (up.length === 0) throw nothingHere(name);
  requireRoot();
  return exclusively(name, emit, async () => {
    const door = openLabDoor(name);
    const found = await Promise.all(
      file.federation.sites
        .filter(({ kind }) => kind === "on-prem")
        .map((site) => keptOf(name, site.name, up, door)),
    );
    const plan = newest(found);
    const sites = onPrem(plan);
    await refuseStrangers(plan, up, door);
    const written = await unpack(stateDir(name), sites, found, emit);
    await letIn(plan, up, door, emit);
    for (const site of sites) await openKeyring(keyFolders(stateDir(name)), plan, site, now).ensure();
    // Whoever built the lab had it deployed, or has removed it since.
    await writeFile(join(stateDir(name), "sample-deployed"), "", { mode: 0o600 });
    const next = await makePlan(file, plan);
    return {
      plan,
      written,
      sites: sites.map((site) => adopted(site, found, up)),
      differs: diffPlans(plan, next).map(({ kind, subject, name: whose }) => `${subject} ${whose} ${kind}`),
    };
  });
}

interface Found {
  readonly site: string;
  readonly from: string;
  readonly kept: Kept;
  /** When the machine got it, in seconds since 1970. */
  readonly at: number;
  readonly plan: Plan;
}

/** What a site keeps, by the first of its control planes that has it; ADOPT_NOTHING_KEPT, ADOPT_OTHER_FEDERATION. */
async function keptOf(federation: string, site: string, up: readonly string[], door: Shell): Promise<Found> {
  const asked = up.filter((machine) => machine.startsWith(`${site}-cp-`));
  for (const from of asked) {
    const { code, stdout } = await door.run(from, ["cat", KEPT_PATH]);
    if (code !== 0) continue;
    const kept = readKept(stdout, from);
    if (kept.federation !== federation || kept.site !== site) {
      throw worldFailed(
        "ADOPT_OTHER_FEDERATION",
        `${from} belongs to ${kept.site} of ${kept.federation}, not to ${site} of ${federation}.`,
      );
    }
    const written = await door.run(from, ["stat", "--format=%Y", KEPT_PATH]);
    return { site, from, kept, at: Number(written.stdout.trim()), plan: planIn(kept, from) };
  }
  throw worldFailed(
    "ADOPT_NOTHING_KEPT",
    asked.length === 0
      ? `no control plane of ${site} runs.`
      : `${asked.join(", ")} keep nothing: the last bring-up there was an older one, or was cut off.`,
    "Start one of the site's control planes. What no control plane keeps can only come from a copy of the state folder.",
  );
}

function planIn({ files }: Kept, from: string): Plan {
  try {
    const plan = JSON.parse(files[PLAN_FILE] ?? "") as Plan;
    if (plan.version === 1 && Array.isArray(plan.sites)) return plan;
  } catch {
    // told below
  }
  throw worldFailed("ADOPT_UNREADABLE", `${KEPT_PATH} of ${from} holds no plan.`);
}

/** A site that was away during the last bring-up has an older plan. */
function newest(found: readonly Found[]): Plan {
  const [first, ...others] = found;
  if (!first) throw new RangeError("a file without a site of its own");
  return others.reduce((best, each) => (each.at > best.at ? each : best), first).plan;
}

/** ADOPT_STRANGER (exit 3) where a machine that runs is not the planned one, by its host name and machine id. */
async function refuseStrangers(plan: Plan, up: readonly string[], door: Shell): Promise<void> {
  const planned = machinesIn(plan).filter(({ name }) => up.includes(name));
  const problems = await Promise.all(
    planned.map(async ({ name, uuid }): Promise<readonly Problem[]> => {
      const { stdout } = await door.run(name, ["cat", "/etc/hostname", "/etc/machine-id"]);
      const [host, id] = stdout.split("\n");
      if (host === name && id === uuid.replaceAll("-", "")) return [];
      return [
        {
          code: "ADOPT_STRANGER",
          subject: name,
          message: `what runs as ${name} calls itself ${host || "nothing"} with the machine id ${id || "none"}, where the plan has ${uuid}.`,
          hint: "It is another machine of that name: take it away, and run this again.",
        },
      ];
    }),
  );
  if (problems.flat().length > 0) throw new PanopticonError(problems.flat(), 3);
}

/** Writes what is missing; ADOPT_STATE_DIFFERS (exit 2), before anything is written, where something else is there. */
async function unpack(
  folder: string,
  sites: readonly SitePlan[],
  found: readonly Found[],
  emit: Emit,
): Promise<number> {
  const wanted = new Map<string, string>();
  for (const { site, kept } of found) {
    const known = sites.find(({ name }) => name === site);
    // Only the names that we would have given it ourselves: a site can't write elsewhere.
    for (const path of known ? keptPaths(known) : []) {
      const content = kept.files[path];
      if (content !== undefined && path !== PLAN_FILE) wanted.set(path, wanted.get(path) ?? content);
    }
  }
  const present = await Promise.all(
    [...wanted].map(async ([path, content]) => {
      const text = await readIfThere(join(folder, path));
      return { path, same: text === content, missing: text === undefined };
    }),
  );
  const other = present.filter(({ same, missing }) => !same && !missing).map(({ path }) => path);
  if (other.length > 0) throw differs(folder, other);
  const lacking = present.filter(({ missing }) => missing).map(({ path }) => path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const path of lacking) await createOnce(join(folder, path), wanted.get(path) ?? "");
  emit({ kind: "note", subject: folder, what: `has ${lacking.length} more files` });
  // Last: with a plan the folder counts as whole.
  const plan = found.find(({ plan: each }) => each === newest(found));
  const text = plan?.kept.files[PLAN_FILE] ?? "";
  const before = await readIfThere(join(folder, PLAN_FILE));
  if (before === undefined) await createOnce(join(folder, PLAN_FILE), text);
  await readPlan(join(folder, PLAN_FILE));
  return lacking.length + (before === undefined ? 1 : 0);
}

function differs(folder: string, paths: readonly string[]): PanopticonError {
  return wrongUse(
    "ADOPT_STATE_DIFFERS",
    `${folder} has other keys than the sites: ${paths.join(", ")}.`,
    "Move that folder away: it is of another federation of this name, or was begun anew.",
  );
}

/** The operator's key is made anew, and the machines that run let it in, and no other. */
async function letIn(plan: Plan, up: readonly string[], door: Shell, emit: Emit): Promise<void> {
  const folders = keyFolders(stateDir(plan.federation));
  const platform = labPlatform(cgroupVersion());
  for (const site of onPrem(plan)) {
    const keys = await ensureSshKeys(
      folders.ssh,
      site.machines.map(({ name }) => name),
    );
    for (const machine of site.machines.filter(({ name }) => up.includes(name))) {
      const host = keys.hosts.get(machine.name);
      if (!host) throw new RangeError(`no SSH host key was made for ${machine.name}`);
      const seed = renderSeed(plan, site, machine, platform, {
        authorizedKey: keys.operator.publicKey,
        hostKeyPrivate: host.privateKey,
        hostKeyPublic: host.publicKey,
      });
      await door.put(
        machine.name,
        seed.filter(({ path }) => path === "/root/.ssh/authorized_keys"),
      );
      emit({ kind: "note", subject: machine.name, what: "lets the new operator's key in" });
    }
  }
}

function adopted(site: SitePlan, found: readonly Found[], up: readonly string[]): AdoptedSite {
  const names = site.machines.map(({ name }) => name);
  return {
    site: site.name,
    from: found.find((each) => each.site === site.name)?.from ?? "",
    machines: names.filter((name) => up.includes(name)),
    off: names.filter((name) => !up.includes(name)),
  };
}

function machinesIn(plan: Plan): readonly MachinePlan[] {
  return plan.sites.flatMap(({ machines }) => machines);
}

/** ADOPT_NOTHING_RUNS (exit 2). */
function nothingHere(federation: string): PanopticonError {
  return wrongUse(
    "ADOPT_NOTHING_RUNS",
    `no machine of a lab of ${federation} runs on this box.`,
    "A lab is adopted on the box that it runs on. Sites on servers can't be adopted yet: keep a copy of the state folder.",
  );
}
