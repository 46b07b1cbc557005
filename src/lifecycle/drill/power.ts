/** Faults that the ground makes: machines lose their power or stand still, routers, lines, addresses and links go. */
import type { MachinePlan, SitePlan } from "#plan/plan.ts";
import { renderSeed } from "#render/seed.ts";
import type { DrillSite, Fault } from "./fault.ts";

/** All these machines lose their power in one instant. */
export function powerCut(
  id: string,
  site: SitePlan,
  machines: readonly MachinePlan[],
  also?: Pick<Fault, "make">,
): Fault {
  const names = machines.map(({ name }) => name);
  return {
    id,
    site: site.name,
    says: `cut the power of ${names.join(", ")}${also ? " and of the router" : ""}`,
    loses: [id],
    way: `power ${[...names].sort().join(" ")}${also ? " and router" : ""}`,
    make: async (ground) => {
      await Promise.all([ground.faults.cutPower(site, names), also?.make(ground)]);
    },
    undo: async (ground) => {
      await ground.faults.restore(site);
      await powerOn(ground, machines);
    },
  };
}

/** Starts machines that are off; they answer some seconds later. */
export async function powerOn({ context }: DrillSite, machines: readonly MachinePlan[]): Promise<void> {
  const { hypervisor, keyring, plan, platform, site } = context;
  await Promise.all(
    machines.map(async (machine) => {
      const seed = renderSeed(plan, site, machine, platform, await keyring.ssh(machine.name));
      await hypervisor.start(site, machine, seed);
    }),
  );
}

/** A fault that `restore` takes back. */
export function groundFault(
  id: string,
  site: SitePlan,
  says: string,
  loses: readonly string[],
  make: (ground: DrillSite) => Promise<void>,
): Fault {
  return { id, site: site.name, says, loses, make, undo: ({ faults }) => faults.restore(site) };
}
