import type { MachinePlan } from "#plan/plan.ts";
import type { RenderedFile } from "#render/files.ts";
import { renderMachine } from "#render/machine.ts";
import type { Change, Phase, SiteContext } from "../phase.ts";
import { type Deviation, inspect, must, running } from "../remote.ts";
import { reactions, servicesOf } from "../services.ts";

/**
 * Stands while files are written and services not yet restarted. A run that is
 * killed in between leaves it, a reboot, which restarts everything, clears it.
 */
const DIRTY: RenderedFile = { path: "/run/panopticon-dirty", content: "", mode: 0o600 };

export const files: Phase = {
  name: "files",
  title: "Files and services",
  concurrency: 16,
  changes: async (context) => {
    const up = await running(context);
    const changes = await Promise.all(
      context.site.machines.map((machine) => machineChanges(context, machine, up.has(machine.name))),
    );
    return changes.flat();
  },
};

async function machineChanges(context: SiteContext, machine: MachinePlan, up: boolean): Promise<Change[]> {
  const subject = machine.name;
  if (!up) {
    const what = "write all files and start their services";
    return [{ subject, what, apply: () => bringFiles(context, machine) }];
  }
  const seen = await deviation(context, machine);
  const what = difference(seen);
  return what ? [{ subject, what, apply: () => mend(context, machine, seen) }] : [];
}

/** What differs, as an order; undefined where nothing does. */
function difference({ stale, down, marks }: Deviation): string | undefined {
  if (stale.length > 3) return `write ${stale.length} files`;
  if (stale.length > 0) return `write ${stale.map(({ path }) => path).join(", ")}`;
  if (down.length > 0) return `start ${down.join(", ")}`;
  return marks.length > 0 ? "restart services whose files were written" : undefined;
}

/** Everything a machine must hold: what is rendered from the plan, and its keys. */
async function machineFiles(
  { plan, site, platform, keyring }: SiteContext,
  machine: MachinePlan,
): Promise<readonly RenderedFile[]> {
  return [...renderMachine(plan, site, machine, platform), ...(await keyring.files(machine.role))];
}

async function deviation(context: SiteContext, machine: MachinePlan): Promise<Deviation> {
  const files = await machineFiles(context, machine);
  const services = servicesOf(machine.role, context.platform);
  return inspect(context, machine.name, { files, services, marks: [DIRTY.path] });
}

/** Brings a machine's files and services to the plan, whatever it holds now. */
export async function bringFiles(context: SiteContext, machine: MachinePlan): Promise<void> {
  await mend(context, machine, await deviation(context, machine));
}

/** Writes what differs, then makes the services that read it use it. */
async function mend(context: SiteContext, machine: MachinePlan, seen: Deviation): Promise<void> {
  const { stale, down, marks } = seen;
  if (stale.length > 0) await context.shell.put(machine.name, [DIRTY, ...stale]);
  // A mark of an earlier run does not say which files it had written: all are taken as new.
  const touched = marks.length > 0 ? await machineFiles(context, machine) : stale;
  const paths = touched.map(({ path }) => path);
  for (const command of reactions(machine.role, context.platform, paths, down)) {
    await must(context, machine.name, command, 120);
  }
  if (stale.length > 0 || marks.length > 0) await must(context, machine.name, ["rm", "-f", DIRTY.path]);
}
