/**
 * A lab adopted: its machines are entered from the box they run on. Nothing of the
 * sites is changed but whom the machines let in: the lost operator's key opens none
 * of them any more.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { worldFailed } from "#base/errors.ts";
import type { Emit } from "#base/events.ts";
import { KEPT_PATH } from "#converge/kept.ts";
import { keyFolders } from "#converge/keyring.ts";
import { ensureSshKeys } from "#converge/pki/ssh.ts";
import { openLabDoor } from "#drivers/lab/door.ts";
import type { FederationFile } from "#model/federation.ts";
import type { Plan } from "#plan/plan.ts";
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
} from "./adopt-state.ts";
import { stateDir } from "./folders.ts";
import { onPrem } from "./site-context.ts";
import { siteKeyring } from "./site-keyring.ts";

/** @param up names of the lab's machines that run. */
export async function adoptLab(
  file: FederationFile,
  up: readonly string[],
  emit: Emit,
): Promise<{ readonly plan: Plan; readonly written: number; readonly sites: readonly AdoptedSite[] }> {
  const { name, sites } = file.federation;
  const door = openLabDoor(name);
  const planned = sites.filter(({ kind }) => kind === "on-prem");
  const found = await Promise.all(planned.map((site) => copyOf(name, site.name, up, door)));
  const plan = planOf(file, found);
  const machines = onPrem(plan).flatMap((site) => site.machines);
  const running = machines.filter((machine) => up.includes(machine.name));
  await Promise.all(running.map((machine) => refuseStranger(door, machine)));
  const written = await unpackKeys(plan, found);
  await letIn(plan, up, door, emit);
  for (const site of onPrem(plan)) await siteKeyring(plan, site).ensure();
  // Whoever built the lab had it deployed, or has removed it since.
  await writeFile(join(stateDir(name), "sample-deployed"), "", { mode: 0o600 });
  await keepPlan(plan); // last: with a plan the folder counts as whole
  return {
    plan,
    written,
    sites: onPrem(plan).map((site) => {
      const names = site.machines.map((machine) => machine.name);
      return {
        site: site.name,
        from: found.find((each) => each.site === site.name)?.from ?? "",
        machines: names.filter((machine) => up.includes(machine)),
        off: names.filter((machine) => !up.includes(machine)),
      };
    }),
  };
}

/** ADOPT_NOTHING_KEPT (exit 3) where no control plane of the site has one. */
async function copyOf(federation: string, site: string, up: readonly string[], door: Shell): Promise<Found> {
  const asked = up.filter((machine) => machine.startsWith(`${site}-cp-`));
  const copies = await Promise.all(asked.map((from) => copyAt(door, from, KEPT_PATH, { federation, site })));
  const found = copies.filter((copy) => copy !== undefined);
  if (found.length > 0) return newest(found);
  throw worldFailed(
    "ADOPT_NOTHING_KEPT",
    asked.length === 0
      ? `no control plane of ${site} runs.`
      : `${asked.join(", ")} keep nothing: the last bring-up there was cut off, or an older one.`,
    "Start one of the site's control planes. What none of them keeps can only come from a copy of the state folder.",
  );
}

/** The operator's key is made anew, and the machines that run let it in, and no other. */
async function letIn(plan: Plan, up: readonly string[], door: Shell, emit: Emit): Promise<void> {
  const machines = onPrem(plan).flatMap((site) => site.machines.map(({ name }) => name));
  const { operator } = await ensureSshKeys(keyFolders(stateDir(plan.federation)).ssh, machines);
  for (const name of machines.filter((machine) => up.includes(machine))) {
    const content = `${operator.publicKey}\n`;
    await door.put(name, [{ path: "/root/.ssh/authorized_keys", content, mode: 0o600 }]);
    emit({ kind: "note", subject: name, what: "lets the new operator's key in" });
  }
}
