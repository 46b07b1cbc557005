/** A state folder built anew from what sites keep (`converge/kept.ts`), whatever ground they stand on. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type PanopticonError, worldFailed, wrongUse } from "#base/errors.ts";
import { type Kept, keptPaths, readKept } from "#converge/kept.ts";
import { createOnce, readIfThere } from "#converge/pki/store.ts";
import type { FederationFile } from "#model/federation.ts";
import type { MachinePlan, Plan } from "#plan/plan.ts";
import type { Shell } from "#ports/shell.ts";
import { previousPlan, savePlan } from "./files.ts";
import { stateDir } from "./folders.ts";

/** What one site keeps, and who had it. */
export interface Found {
  readonly site: string;
  readonly from: string;
  readonly kept: Kept;
  /** When it was written there, in seconds since 1970. */
  readonly at: number;
}

export interface AdoptedSite {
  readonly site: string;
  /** The machine or server whose copy was taken. */
  readonly from: string;
  /** Machines that run and let us in. */
  readonly machines: readonly string[];
  /** Planned machines that do not answer. */
  readonly off: readonly string[];
}

/** The copy at one place; undefined where there is none. ADOPT_UNREADABLE, ADOPT_OTHER_FEDERATION. */
export async function copyAt(
  shell: Shell,
  from: string,
  path: string,
  wanted: { readonly federation: string; readonly site: string },
): Promise<Found | undefined> {
  const { code, stdout } = await shell.run(from, ["cat", path], { timeoutSeconds: 30 });
  if (code !== 0) return undefined;
  const kept = readKept(stdout, from);
  const { federation, site } = wanted;
  if (kept.federation !== federation || kept.site !== site) {
    throw worldFailed(
      "ADOPT_OTHER_FEDERATION",
      `${from} belongs to ${kept.site} of ${kept.federation}, not to ${site} of ${federation}.`,
    );
  }
  const written = await shell.run(from, ["stat", "--format=%Y", path], { timeoutSeconds: 30 });
  return { site, from, kept, at: Number(written.stdout.trim()) };
}

/** The plan that the sites were brought up with: of each its own part, in the file's order. */
export function planOf({ federation }: FederationFile, found: readonly Found[]): Plan {
  const { plan } = newest(found).kept;
  const sites = federation.sites.flatMap(({ name }) => {
    const own = found.find(({ site }) => site === name)?.kept.plan ?? plan;
    return own.sites.filter((site) => site.name === name);
  });
  return { ...plan, sites };
}

/** Of several copies the one written last: who was away during the last bring-up has an older one. */
export function newest(found: readonly Found[]): Found {
  const [first, ...others] = found;
  if (!first) throw new RangeError("nothing was found");
  return others.reduce((best, each) => (each.at > best.at ? each : best), first);
}

/**
 * Writes what is missing, without the plan. ADOPT_STATE_DIFFERS (exit 2), before
 * anything is written, where something else is there. Gives how many were written.
 */
export async function unpackKeys(plan: Plan, found: readonly Found[]): Promise<number> {
  const wanted = new Map<string, string>();
  for (const { site, kept } of found) {
    const known = plan.sites.find(({ name }) => name === site);
    // Only by names that we would have given: no site can write elsewhere.
    for (const path of known ? keptPaths(plan, known) : []) {
      const content = kept.files[path];
      if (content !== undefined) wanted.set(path, wanted.get(path) ?? content);
    }
  }
  return writeMissing(stateDir(plan.federation), wanted);
}

/** Where there is one already it stays: it may be of a bring-up that was begun since. */
export async function keepPlan(plan: Plan): Promise<void> {
  if ((await previousPlan(plan.federation)) === undefined) await savePlan(plan);
}

/** As `unpackKeys`. */
export async function writeMissing(folder: string, wanted: ReadonlyMap<string, string>): Promise<number> {
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
  return lacking.length;
}

function differs(folder: string, paths: readonly string[]): PanopticonError {
  return wrongUse(
    "ADOPT_STATE_DIFFERS",
    `${folder} has other contents than the sites keep: ${paths.join(", ")}.`,
    "Move that folder away: it is of another federation of this name, or was begun anew.",
  );
}

/** ADOPT_STRANGER (exit 3) where what runs is not the planned machine, by its host name and machine id. */
export async function refuseStranger(shell: Shell, { name, uuid }: MachinePlan): Promise<void> {
  const argv = ["cat", "/etc/hostname", "/etc/machine-id"];
  const { stdout } = await shell.run(name, argv, { timeoutSeconds: 30 });
  const [host, id] = stdout.split("\n");
  if (host === name && id === uuid.replaceAll("-", "")) return;
  throw worldFailed(
    "ADOPT_STRANGER",
    `what runs as ${name} calls itself ${host || "nothing"} with the machine id ${id || "none"}, where the plan has ${uuid}.`,
    "It is another machine of that name: take it away, and run this again.",
  );
}
