/** Which machines do not do their part now, for whoever asks what more may be taken away. */
import { machinesOf } from "#plan/plan.ts";
import { apiServerReady } from "./kubeadm.ts";
import type { SiteContext } from "./phase.ts";
import { serves } from "./phases/settings.ts";
import { running } from "./remote.ts";

/** Planned machines of the site that do not run, and control planes whose API server is not ready. */
export async function awayMachines(context: SiteContext): Promise<readonly string[]> {
  const up = await running(context);
  const off = context.site.machines.filter(({ name }) => !up.has(name)).map(({ name }) => name);
  const unready = await Promise.all(
    machinesOf(context.site, "controlplane")
      .filter(({ name }) => up.has(name))
      .map(async ({ name }) => ((await isUnready(context, name)) ? [name] : [])),
  );
  return [...off, ...unready.flat()];
}

async function isUnready(context: SiteContext, name: string): Promise<boolean> {
  return (await serves(context, name)) && !(await apiServerReady(context, name));
}
