import { worldFailed } from "#base/errors.ts";
import { type MachinePlan, machinesOf } from "#plan/plan.ts";
import type { Phase, SiteContext } from "../phase.ts";
import { running } from "../remote.ts";
import { waitFor } from "../wait.ts";

const SETTLE_SECONDS = 30;

/** Every name server of the site answers for the domain. */
export const names: Phase = {
  name: "names",
  title: "Name servers",
  concurrency: 4,
  changes: async (context) => {
    const up = await running(context);
    const silent = await Promise.all(
      machinesOf(context.site, "ecam").map(async (machine) =>
        up.has(machine.name) && (await answers(context, machine)) ? [] : [machine],
      ),
    );
    return silent.flat().map((machine) => ({
      subject: machine.name,
      what: `see its name server answer for ${context.plan.domain}`,
      apply: () => settled(context, machine),
    }));
  },
};

async function answers({ shell, plan }: SiteContext, { name, address }: MachinePlan): Promise<boolean> {
  const options = ["+short", "+time=2", "+retry=0"];
  const { code, stdout } = await shell.run(name, ["kdig", ...options, `@${address}`, plan.domain, "SOA"]);
  return code === 0 && /^ns\./m.test(stdout);
}

async function settled(context: SiteContext, machine: MachinePlan): Promise<void> {
  await waitFor(`the name server of ${machine.name}`, SETTLE_SECONDS, async () => {
    if (await answers(context, machine)) return true;
    throw worldFailed("CONVERGE_NAME_SERVER", `it does not answer for ${context.plan.domain}`);
  });
}
