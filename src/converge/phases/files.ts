import type { MachinePlan } from "#plan/plan.ts";
import type { RenderedFile } from "#render/files.ts";
import { renderMachine } from "#render/machine.ts";
import type { Change, Phase, SiteContext } from "../phase.ts";
import { differing, existing, inactive, must, running } from "../remote.ts";
import { reactions, SERVICES } from "../services.ts";

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
  const apply = () => bringFiles(context, machine);
  if (!up) return [{ subject, what: "write all files and start their services", apply }];
  const units = SERVICES[machine.role].filter(({ onDemand }) => !onDemand).map(({ unit }) => unit);
  const [stale, down, dirty] = await Promise.all([
    machineFiles(context, machine).then((wanted) => differing(context, machine, wanted)),
    inactive(context, machine.name, units),
    existing(context, machine.name, [DIRTY.path]),
  ]);
  if (stale.length > 0) return [{ subject, what: `write ${shortList(stale.map(({ path }) => path))}`, apply }];
  if (down.length > 0) return [{ subject, what: `start ${down.join(", ")}`, apply }];
  if (dirty.size > 0) return [{ subject, what: "restart services whose files were written", apply }];
  return [];
}

function shortList(paths: readonly string[]): string {
  return paths.length <= 3 ? paths.join(", ") : `${paths.length} files`;
}

/** Everything a machine must hold: what is rendered from the plan, and its keys. */
async function machineFiles(
  { plan, site, platform, keyring }: SiteContext,
  machine: MachinePlan,
): Promise<readonly RenderedFile[]> {
  return [...renderMachine(plan, site, machine, platform), ...(await keyring.files(machine.role))];
}

/** Writes what differs, then makes the services that read it use it. */
export async function bringFiles(context: SiteContext, machine: MachinePlan): Promise<void> {
  const wanted = await machineFiles(context, machine);
  const [stale, dirty] = await Promise.all([
    differing(context, machine, wanted),
    existing(context, machine.name, [DIRTY.path]),
  ]);
  const touched = dirty.size > 0 ? wanted : stale;
  if (stale.length > 0) {
    await context.shell.put(machine.name, [DIRTY]);
    await context.shell.put(machine.name, stale);
  }
  const paths = touched.map(({ path }) => path);
  for (const command of reactions(machine.role, context.platform.interface, paths)) {
    await must(context, machine.name, command, 120);
  }
  await must(context, machine.name, ["rm", "-f", DIRTY.path]);
}
