/** One site behind the ports that convergence knows, whatever ground its machines stand on. */
import { wrongUse } from "#base/errors.ts";
import type { Emit } from "#base/events.ts";
import { keptFile } from "#converge/kept.ts";
import { keyFolders } from "#converge/keyring.ts";
import type { SiteContext } from "#converge/phase.ts";
import { openKube } from "#drivers/kube/client.ts";
import type { Jump } from "#drivers/ssh/options.ts";
import { openSshShell } from "#drivers/ssh/shell.ts";
import type { Plan, SitePlan } from "#plan/plan.ts";
import type { Kube } from "#ports/kube.ts";
import type { Shell } from "#ports/shell.ts";
import { stateDir } from "./folders.ts";
import { siteKeyring } from "./site-keyring.ts";

/** What reaches one site, until it is closed. */
export interface SiteConnection extends SiteContext {
  close(): Promise<void>;
}

export interface ContextOptions {
  /** For the sockets of SSH connections; a short path. */
  readonly controlDir: string;
  /** The server that leads to a machine, where machines are not reached directly. */
  readonly jumpTo?: (machine: string) => Jump | undefined;
  readonly emit: Emit;
}

/** Opens nothing before it is used. */
export function openSiteContext(
  plan: Plan,
  site: SitePlan,
  ground: Pick<SiteContext, "hypervisor" | "platform" | "settings">,
  { emit, ...ways }: ContextOptions,
): SiteConnection {
  const keyring = siteKeyring(plan, site);
  const shell = machineShell(plan, site, ways);
  let kube: Promise<Kube> | undefined;
  return {
    ...ground,
    plan,
    site,
    shell,
    keyring,
    kube: () => {
      kube ??= keyring
        .operator()
        .then(({ authority, client }) =>
          openKube({ server: `https://${site.network.vip}:${site.endpoint.port}`, authority, client }),
        );
      return kube;
    },
    kept: () => keptFile(stateDir(plan.federation), plan, site),
    now,
    emit,
    close: async () => {
      await shell.close();
      await (await kube)?.close();
    },
  };
}

/** The sites that stand on servers of the person's own. */
export function onPrem(plan: Plan): readonly SitePlan[] {
  return plan.sites.filter((site) => site.kind === "on-prem");
}

export function now(): Date {
  return new Date();
}

/** Commands on the machines of one site, with their pinned host keys. */
function machineShell(plan: Plan, site: SitePlan, ways: Omit<ContextOptions, "emit">): Shell {
  const folders = keyFolders(stateDir(plan.federation));
  const addresses = new Map(site.machines.map(({ name, address }) => [name, address]));
  return openSshShell({
    keyFile: folders.operatorKey,
    knownHostsFile: folders.knownHosts(site.name),
    addressOf: (machine) => {
      const address = addresses.get(machine);
      if (address) return address;
      throw wrongUse("LAB_UNKNOWN_MACHINE", `${site.name} has no machine called ${machine}.`);
    },
    ...ways,
  });
}
