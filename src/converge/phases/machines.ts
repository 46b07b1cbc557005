import { worldFailed } from "#base/errors.ts";
import type { MachinePlan } from "#plan/plan.ts";
import type { ObservedMachine } from "#ports/hypervisor.ts";
import { renderSeed } from "#render/seed.ts";
import type { Phase, SiteContext } from "../phase.ts";
import { waitFor } from "../wait.ts";

/** A machine that boots answers within seconds; a busy box, or a guest that makes its disk fit first, may take longer. */
const ANSWER_SECONDS = { lab: 60, xen: 600 } as const;

export const machines: Phase = {
  name: "machines",
  title: "Machines",
  concurrency: 16,
  changes: async (context) => {
    const observed = await context.hypervisor.observe(context.site);
    const byName = new Map(observed.map((machine) => [machine.name, machine]));
    for (const { name } of observed) {
      if (context.site.machines.some((machine) => machine.name === name)) continue;
      context.emit({ kind: "note", subject: name, what: "is not in the plan; it is left as it is" });
    }
    return context.site.machines
      .filter((machine) => !isUp(machine, byName.get(machine.name)))
      .map((machine) => ({
        subject: machine.name,
        what: byName.has(machine.name)
          ? "start the machine, which is off"
          : `make the machine on ${machine.server}`,
        apply: () => start(context, machine),
      }));
  },
};

function isUp(machine: MachinePlan, observed: ObservedMachine | undefined): boolean {
  if (observed === undefined) return false;
  if (observed.uuid !== machine.uuid) {
    throw worldFailed(
      "CONVERGE_FOREIGN_MACHINE",
      `a machine called ${machine.name} is there, but with uuid ${observed.uuid || "none"} where the plan says ${machine.uuid}.`,
      "It was made for another federation or an older plan: remove it first, or give the site another name.",
    );
  }
  return observed.state === "running";
}

async function start(context: SiteContext, machine: MachinePlan): Promise<void> {
  const { hypervisor, keyring, platform, plan, shell, site } = context;
  const seed = renderSeed(plan, site, machine, platform, await keyring.ssh(machine.name));
  await hypervisor.start(site, machine, seed);
  await waitFor(
    `${machine.name} to answer at ${machine.address}`,
    ANSWER_SECONDS[platform.name],
    async () => {
      const { code } = await shell.run(machine.name, ["true"], { timeoutSeconds: 5 });
      return code === 0 ? true : undefined;
    },
  );
}
