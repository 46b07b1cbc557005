/**
 * What servers keep for their sites, and sites on servers adopted: the person's own
 * SSH key opens the servers, and there the copy with the operator's sealed key.
 */
import { join } from "node:path";
import { PanopticonError, worldFailed } from "#base/errors.ts";
import type { Emit } from "#base/events.ts";
import type { Gate } from "#converge/gate.ts";
import { SEALED_OPERATOR } from "#converge/kept.ts";
import { keyFolders } from "#converge/keyring.ts";
import type { SiteContext } from "#converge/phase.ts";
import { isSealedFor, seal, unseal } from "#converge/pki/seal.ts";
import { ensureSshKeys } from "#converge/pki/ssh.ts";
import { readIfThere, replaceFile } from "#converge/pki/store.ts";
import { inspect } from "#converge/remote.ts";
import type { FederationFile } from "#model/federation.ts";
import { makePlan } from "#plan/make.ts";
import type { MachinePlan, Plan, SitePlan } from "#plan/plan.ts";
import type { Shell } from "#ports/shell.ts";
import {
  type AdoptedSite,
  copyAt,
  type Found,
  keepPlan,
  newest,
  planOf,
  refuseStranger,
  unpackKeys,
  writeMissing,
} from "./adopt-state.ts";
import { stateDir } from "./folders.ts";
import { claimGround } from "./ground.ts";
import { guestImages } from "./guest-images.ts";
import { keepAccess } from "./machine-access.ts";
import { type ServerAccess, serverIdentity } from "./server-access.ts";
import { openServers } from "./servers.ts";
import { onPrem, type SiteConnection } from "./site-context.ts";
import { siteKeyring } from "./site-keyring.ts";

const FOLDER = "/etc/panopticon/kept";

/** Where a server keeps it. */
export function keptOnServer(federation: string, folder = FOLDER): string {
  return `${folder}/${federation}.json`;
}

/** Seals the operator's key for the person's own; where that can't be done it is said, and the rest goes on. */
export async function sealOperator(federation: string, access: ServerAccess, emit: Emit): Promise<void> {
  const folder = stateDir(federation);
  const { operator } = await ensureSshKeys(keyFolders(folder).ssh, []);
  const { keyFile } = serverIdentity(access);
  const path = join(folder, SEALED_OPERATOR);
  try {
    const present = await readIfThere(path);
    if (present !== undefined && (await isSealedFor(present, keyFile))) return;
    await replaceFile(path, await seal(operator.privateKey, keyFile));
  } catch (error) {
    if (!(error instanceof PanopticonError)) throw error;
    const what = `servers can't keep the operator's key for \`panopticon adopt\`: ${error.message}`;
    emit({ kind: "note", subject: federation, what });
  }
}

/** Brings what a site keeps to each of its servers; gives the number of changes. */
export async function keepOnServers(
  contexts: readonly SiteContext[],
  shell: Shell,
  gate: Gate,
  folder = FOLDER,
): Promise<number> {
  let changes = 0;
  for (const context of contexts) {
    if (!context.kept) continue;
    const { site, plan } = context;
    const file = { ...(await context.kept()), path: keptOnServer(plan.federation, folder) };
    for (const { name, address = "" } of site.servers) {
      const seen = await inspect({ ...context, shell }, address, { files: [file], services: [], marks: [] });
      if (seen.stale.length === 0) continue;
      changes++;
      await gate.pass(site.name, "kept", {
        subject: name,
        what: "keep what `panopticon adopt` would need there",
        apply: () => shell.put(address, [file]),
      });
    }
  }
  return changes;
}

/** Errors: ADOPT_…, and those of an SSH connection. */
export async function adoptServers(
  file: FederationFile,
  access: ServerAccess,
  emit: Emit,
): Promise<{ readonly plan: Plan; readonly written: number; readonly sites: readonly AdoptedSite[] }> {
  const { name } = file.federation;
  const found = await copies(await makePlan(file), access, emit);
  const plan = planOf(file, found);
  const sealed = found.find(({ kept }) => kept.files[SEALED_OPERATOR] !== undefined);
  if (!sealed) throw noOperator(found);
  const { keyFile } = serverIdentity(access);
  const operator = await unseal(sealed.kept.files[SEALED_OPERATOR] ?? "", keyFile);
  let written = await unpackKeys(plan, found);
  written += await writeMissing(stateDir(name), new Map([["ssh/operator", operator]]));
  for (const site of onPrem(plan)) await siteKeyring(plan, site).ensure();
  const servers = openServers(plan, access, guestImages(emit), emit);
  try {
    const sites = await Promise.all(
      servers.contexts.map((context) =>
        adoptedSite(context, found.find((each) => each.site === context.site.name)?.from ?? ""),
      ),
    );
    await claimGround(name, "servers", { claim: true });
    await keepAccess(name, access);
    await keepPlan(plan); // last: with a plan the folder counts as whole
    return { plan, sites, written };
  } finally {
    await servers.close();
  }
}

/** The newest copy of each site; ADOPT_NOTHING_KEPT (exit 3) where a site's servers have none. */
async function copies(plan: Plan, access: ServerAccess, emit: Emit): Promise<readonly Found[]> {
  const servers = openServers(plan, access, guestImages(emit), emit);
  try {
    return await Promise.all(onPrem(plan).map((site) => fetchCopy(plan.federation, site, servers.shell)));
  } finally {
    await servers.close();
  }
}

/** Servers that do not answer are passed over, where another one has it. */
export async function fetchCopy(
  federation: string,
  site: SitePlan,
  shell: Shell,
  folder = FOLDER,
): Promise<Found> {
  const path = keptOnServer(federation, folder);
  const why: string[] = [];
  const asked = await Promise.all(
    site.servers.map(async ({ name, address = "" }) => {
      try {
        const copy = await copyAt(shell, address, path, { federation, site: site.name });
        if (!copy) why.push(`${name} keeps none`);
        return copy;
      } catch (error) {
        if (!(error instanceof PanopticonError)) throw error;
        why.push(`${name}: ${error.problems[0]?.message ?? error.message}`);
        return undefined;
      }
    }),
  );
  const found = asked.filter((copy) => copy !== undefined);
  if (found.length > 0) return newest(found);
  throw worldFailed(
    "ADOPT_NOTHING_KEPT",
    `no server of ${site.name} has what an adoption needs: ${why.join("; ")}.`,
    "`panopticon apply` leaves it on each server. Without it, only a copy of the state folder helps.",
  );
}

function noOperator(found: readonly Found[]) {
  const asked = found.map(({ from }) => from).join(", ");
  return worldFailed(
    "ADOPT_NOTHING_KEPT",
    `the servers (${asked}) do not keep the operator's key: the last \`apply\` could not seal it.`,
    "Only a copy of the state folder helps, or the machines' consoles on their servers (`xl console`).",
  );
}

/** Which of its machines answer by their pinned host keys, and are who they should be. */
async function adoptedSite({ site, shell }: SiteConnection, from: string): Promise<AdoptedSite> {
  const answers = await Promise.all(site.machines.map((machine) => isOurs(shell, machine)));
  const names = (wanted: boolean) =>
    site.machines.filter((_machine, index) => answers[index] === wanted).map(({ name }) => name);
  return { site: site.name, from, machines: names(true), off: names(false) };
}

async function isOurs(shell: Shell, machine: MachinePlan): Promise<boolean> {
  try {
    await refuseStranger(shell, machine);
    return true;
  } catch (error) {
    const code = error instanceof PanopticonError ? error.problems[0]?.code : undefined;
    if (code === undefined || code === "ADOPT_STRANGER") throw error;
    return false;
  }
}
