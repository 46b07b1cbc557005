/** What the servers of applied federations are like now, from them alone. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { PanopticonError } from "#base/errors.ts";
import type { MachineLook, ServerLook } from "#drivers/xen/look.ts";
import type { FederationFile } from "#model/federation.ts";
import { makePlan } from "#plan/make.ts";
import type { Plan } from "#plan/plan.ts";
import { XEN_FOLDERS } from "#render/xen/domain.ts";
import { previousPlan } from "./files.ts";
import { stateHome } from "./folders.ts";
import { claimGround, groundOf } from "./ground.ts";
import { keptAccess } from "./machine-access.ts";
import type { ServerAccess } from "./server-access.ts";
import { openHypervisor } from "./servers.ts";
import { onPrem } from "./site-context.ts";

export type { MachineLook, ServerLook } from "#drivers/xen/look.ts";

/** One server of a site. */
export interface ServerStatus extends ServerLook {
  readonly federation: string;
  readonly site: string;
  /** dom0's address. */
  readonly address: string;
  /** Whether it answers, and every planned machine runs as planned. */
  readonly well: boolean;
}

/** What is to be looked at: a federation's plan, and how its servers let us in. */
export interface ServerSubject {
  readonly plan: Plan;
  readonly access: ServerAccess;
}

/** The federations that were applied to servers from here, as they were applied last. */
export async function appliedSubjects(): Promise<readonly ServerSubject[]> {
  const folders = await readdir(stateHome(), { withFileTypes: true }).catch(() => []);
  const names = folders.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const found = names.toSorted().map(async (name) => {
    if ((await groundOf(name)) !== "servers") return [];
    const plan = await previousPlan(name);
    return plan ? [{ plan, access: (await keptAccess(name)) ?? {} }] : [];
  });
  return (await Promise.all(found)).flat();
}

/** A file's federation, as the next `apply` would have it; what `access` does not say is as it was then. */
export async function fileSubject(file: FederationFile, access: ServerAccess): Promise<ServerSubject> {
  const { name } = file.federation;
  await claimGround(name, "servers", { claim: false });
  const plan = await makePlan(file, await previousPlan(name));
  return { plan, access: { ...(await keptAccess(name)), ...access } };
}

/** Every server of the federation; changes nothing. A server that can't be looked at is unwell, not an error. */
export async function serversStatus({ plan, access }: ServerSubject): Promise<readonly ServerStatus[]> {
  const { xen, close } = openHypervisor(plan, access, imageUnknown);
  try {
    const sites = onPrem(plan).map(async (site) => {
      const looks = await xen.look(site);
      return looks.map((look) => ({
        ...look,
        federation: plan.federation,
        site: site.name,
        address: site.servers.find(({ name }) => name === look.name)?.address ?? "",
        well: isWell(look),
      }));
    });
    return (await Promise.all(sites)).flat();
  } finally {
    await close();
  }
}

function isWell({ trouble, machines }: ServerLook): boolean {
  return trouble === undefined && machines.every((machine) => !machine.planned || machineIsWell(machine));
}

/** Whether it runs as planned. */
export function machineIsWell({ state, differences }: MachineLook): boolean {
  return state === "running" && differences.length === 0;
}

/** Nothing is built to look at machines: where no file and no domain says what a machine was made of, nobody knows. */
async function imageUnknown() {
  const none = join(XEN_FOLDERS.images, "unknown");
  return { digest: "unknown", folder: none, files: { kernel: none, initrd: none, root: none } };
}

/** The answer, or what one of ours said where there is none. */
export async function orTrouble<T>(work: () => Promise<T>): Promise<T | PanopticonError> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PanopticonError) return error;
    throw error;
  }
}
