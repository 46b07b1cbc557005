/** One command on many machines. */
import { PanopticonError } from "#base/errors.ts";
import { limiter } from "#drivers/ssh/limit.ts";
import { type KnownMachine, openMachines } from "./machine-access.ts";

export interface ExecOptions {
  readonly timeoutSeconds: number;
}

/** What a machine gave; `code` is missing where it could not be reached, and `stderr` says why. */
export interface ExecResult {
  readonly machine: string;
  readonly code?: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Beside each other, so many at a time. */
const AT_ONCE = 16;

/** Runs the command on all; a machine that can't be reached is a result of its own. */
export async function execOn(
  machines: readonly KnownMachine[],
  argv: readonly string[],
  options: ExecOptions,
): Promise<readonly ExecResult[]> {
  const sites = [...new Set(machines.map(({ site }) => site))];
  const shells = new Map(
    await Promise.all(
      sites.map(async (site) => {
        const plan = machines.find((each) => each.site === site)?.plan;
        if (!plan) throw new RangeError("a site without a plan");
        return [site, await openMachines(plan, site)] as const;
      }),
    ),
  );
  const limit = limiter(AT_ONCE);
  const one = async ({ site, machine }: KnownMachine): Promise<ExecResult> => {
    try {
      const result = await shells.get(site)?.run(machine.name, argv, options);
      return { machine: machine.name, stdout: "", stderr: "", ...result };
    } catch (error) {
      if (!(error instanceof PanopticonError)) throw error;
      return { machine: machine.name, stdout: "", stderr: error.message };
    }
  };
  try {
    return await Promise.all(machines.map((machine) => limit(() => one(machine))));
  } finally {
    await Promise.all([...shells.values()].map((shell) => shell.close()));
  }
}
