/** The files of a whole federation, for a person to read: one folder per machine. */
import type { MachinePlan, Plan, SitePlan } from "#plan/plan.ts";
import type { Platform, RenderedFile } from "#render/files.ts";
import { renderMachine } from "./machine.ts";

/** Keys are `<site>/<machine><path>`, such as `attic/attic-ecam-1/etc/hosts`, in plan order. */
export function renderTree(
  plan: Plan,
  platformFor: (site: SitePlan, machine: MachinePlan) => Platform,
): Readonly<Record<string, RenderedFile>> {
  const entries = plan.sites.flatMap((site) =>
    site.machines.flatMap((machine) =>
      renderMachine(plan, site, machine, platformFor(site, machine)).map(
        (file) => [`${site.name}/${machine.name}${file.path}`, file] as const,
      ),
    ),
  );
  return Object.fromEntries(entries);
}
