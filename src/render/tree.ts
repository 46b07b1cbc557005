/** The files of a whole federation, for a person to read: one folder per machine. */
import type { MachinePlan, Plan, SitePlan } from "#plan/plan.ts";
import type { Platform, RenderedFile } from "#render/files.ts";
import { renderMachine } from "./machine.ts";
import { routerPage } from "./router/page.ts";
import { routerRules } from "./router/rules.ts";
import { serverFiles } from "./xen/config.ts";

/**
 * Keys are `<site>/<machine><path>`, such as `attic/attic-ecam-1/etc/hosts`, in
 * plan order; after a site's machines what its Xen servers need of each machine
 * (`<site>/<server><path>`), and its router.
 */
export function renderTree(
  plan: Plan,
  platformFor: (site: SitePlan, machine: MachinePlan) => Platform,
): Readonly<Record<string, RenderedFile>> {
  const entries = plan.sites.flatMap((site) => [
    ...site.machines.flatMap((machine) =>
      renderMachine(plan, site, machine, platformFor(site, machine)).map(
        (file) => [`${site.name}/${machine.name}${file.path}`, file] as const,
      ),
    ),
    ...(site.kind === "on-prem" ? domainFiles(plan, site, platformFor) : []),
    ...(site.kind === "on-prem" ? routerFiles(plan, site) : []),
  ]);
  return Object.fromEntries(entries);
}

/** The domains' configurations, where the machines are Xen's. */
function domainFiles(
  plan: Plan,
  site: SitePlan,
  platformFor: (site: SitePlan, machine: MachinePlan) => Platform,
): readonly (readonly [string, RenderedFile])[] {
  const machines = site.machines.filter((machine) => platformFor(site, machine).name === "xen");
  return serverFiles(plan, { ...site, machines }).map(
    ([server, file]) => [`${site.name}/${server}${file.path}`, file] as const,
  );
}

/** A page for the person at the router, and the same for one that is a Linux box. */
function routerFiles(plan: Plan, site: SitePlan): readonly (readonly [string, RenderedFile])[] {
  const files: readonly RenderedFile[] = [
    { path: "/router.html", content: routerPage(plan, site), mode: 0o644 },
    { path: "/router.nft", content: routerRules(site, { outside: "wan0", inside: "lan0" }), mode: 0o644 },
  ];
  return files.map((file) => [`${site.name}${file.path}`, file] as const);
}
