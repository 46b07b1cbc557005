/** A person's servers with Xen, as their sites' ground. */
import { PanopticonError } from "#base/errors.ts";
import type { Emit } from "#base/events.ts";
import { openSshShell } from "#drivers/ssh/shell.ts";
import { openXen, type Xen } from "#drivers/xen/driver.ts";
import type { GuestImage } from "#drivers/xen/image.ts";
import type { Role } from "#model/federation.ts";
import type { Plan, SitePlan } from "#plan/plan.ts";
import type { Shell } from "#ports/shell.ts";
import { XEN } from "#render/files.ts";
import { controlDir } from "./machine-access.ts";
import { type ServerAccess, serverIdentity, wayToMachines, wayToServers } from "./server-access.ts";
import { onPrem, openSiteContext, type SiteConnection } from "./site-context.ts";

export interface ServerSites {
  /** Onto the servers themselves, by their addresses. */
  readonly shell: Shell;
  readonly contexts: readonly SiteConnection[];
  close(): Promise<void>;
}

/** The sites of a plan on their servers; nothing is opened before it is used. APPLY_NO_ADDRESS where a server's is not known. */
export function openServers(
  plan: Plan,
  access: ServerAccess,
  imageOf: (role: Role) => Promise<GuestImage>,
  emit: Emit,
): ServerSites {
  const sites = onPrem(plan);
  const { xen, shell, close: closeXen } = openHypervisor(plan, access, imageOf);
  const ground = { hypervisor: xen, settings: xen, platform: XEN };
  const contexts = sites.map((site) => {
    const jumpTo = wayToMachines(site, access);
    return openSiteContext(plan, site, ground, {
      controlDir: controlDir(),
      ...(jumpTo && { jumpTo }),
      emit,
    });
  });
  const close = async (): Promise<void> => {
    await Promise.all([closeXen(), ...contexts.map((context) => context.close())]);
  };
  return { shell, contexts, close };
}

/** Xen on the plan's servers, over one connection to each; likewise. */
export function openHypervisor(
  plan: Plan,
  access: ServerAccess,
  imageOf: (role: Role) => Promise<GuestImage>,
): { readonly xen: Xen; readonly shell: Shell; close(): Promise<void> } {
  refuseUnknown(onPrem(plan));
  const ways = { ...serverIdentity(access), controlDir: controlDir() };
  const jumps = new Map(
    onPrem(plan).flatMap((site) =>
      site.servers.map(({ address = "" }) => [address, wayToServers(site, access)] as const),
    ),
  );
  const jumpTo = (address: string) => jumps.get(address);
  const shell = openSshShell({ ...ways, addressOf: (address) => address, jumpTo });
  const xen = openXen({ federation: plan.federation, shell, hostOf, imageOf });
  return { xen, shell, close: () => shell.close() };
}

/** A server is called by its address, as in the person's own known_hosts. */
function hostOf(site: SitePlan, name: string): string {
  return site.servers.find((server) => server.name === name)?.address ?? "";
}

function refuseUnknown(sites: readonly SitePlan[]): void {
  const unknown = sites.flatMap((site) =>
    site.servers.flatMap(({ name, address }) => (address === undefined ? [{ site: site.name, name }] : [])),
  );
  if (unknown.length === 0) return;
  throw new PanopticonError(
    unknown.map(({ site, name }) => ({
      code: "APPLY_NO_ADDRESS",
      subject: `${site}/${name}`,
      message: `the file does not say at which address ${name} of ${site} is reached.`,
      hint: "Give the server an `address:` in the site's LAN, which is dom0's own.",
    })),
    2,
  );
}
