/** What tests do on a ground and look at there. */
import { expect, vi } from "vitest";
import type { PanopticonError } from "#base/errors.ts";
import type { MachinePlan } from "#plan/plan.ts";
import type { ObservedMachine } from "#ports/hypervisor.ts";
import { figure } from "./figures.ts";
import type { XenGround } from "./ground.ts";

/** What the driver sees of one machine. */
export async function seen(
  { xen, site }: XenGround,
  machine: MachinePlan,
): Promise<ObservedMachine | undefined> {
  return (await xen.observe(site)).find(({ name }) => name === machine.name);
}

/** The code of the error that the work ends with; undefined where it ends well. */
export async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  return await work.then(
    () => undefined,
    (error: PanopticonError) => error.problems[0]?.code,
  );
}

/** Runs a command on the server; throws where it does not end well. */
export async function onServer({ shell }: XenGround, ...argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await shell.run("left", argv);
  if (code !== 0) throw new Error(`${argv.join(" ")}: ${stderr}`);
  return stdout;
}

/** Starts the machine with its seed. */
export function startMachine({ xen, site, seedOf }: XenGround, machine: MachinePlan): Promise<void> {
  return xen.start(site, machine, seedOf(machine));
}

/** Waits until the guest answers by the key that was pinned before it was made. */
export async function answers({ shell }: XenGround, machine: MachinePlan): Promise<void> {
  const began = performance.now();
  await vi.waitFor(
    async () => {
      const { stdout } = await shell.run(machine.name, ["hostname"], { timeoutSeconds: 30 });
      expect(stdout.trim()).toBe(machine.name);
    },
    { timeout: 600_000, interval: 2000 },
  );
  figure("guest from its start to SSH by its pinned key", (performance.now() - began) / 1000);
}
