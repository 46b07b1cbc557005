/** How a lab's parts are called on the host: everything of one federation shares a prefix, so that `down` finds it all. */
import { sha256 } from "#base/hash.ts";
import type { MachinePlan, SitePlan } from "#plan/plan.ts";

/** Longest interface name Linux takes. */
const INTERFACE_NAME_MAX = 15;

export interface LabNames {
  /** Starts every network namespace of the lab. */
  readonly prefix: string;
  /** Starts every interface of the lab in the host's own namespace. */
  readonly hostInterfacePrefix: string;
  readonly internet: string;
  lan(site: SitePlan): string;
  router(site: SitePlan): string;
  machine(name: string): string;
  /** What systemd-nspawn calls a machine; unique on the host. */
  nspawn(machine: string): string;
  /** The host's own interface in a site's LAN. */
  operator(site: SitePlan): string;
  /** The switch's port for a machine, inside the LAN's namespace. */
  port(site: SitePlan, machine: MachinePlan): string;
}

export function labNames(federation: string): LabNames {
  // Names of federations and sites hold no dot, so one prefix never begins another.
  const prefix = `panopticon.${federation}.`;
  const hostInterfacePrefix = `pan${sha256(federation).slice(0, 6)}-`;
  return {
    prefix,
    hostInterfacePrefix,
    internet: `${prefix}internet`,
    lan: (site) => `${prefix}lan.${site.name}`,
    router: (site) => `${prefix}router.${site.name}`,
    nspawn: (machine) => `${federation}.${machine}`,
    machine: (name) => `${prefix}machine.${name}`,
    operator: (site) => `${hostInterfacePrefix}${site.number}`,
    port: (site, machine) => machine.name.slice(site.name.length + 1).slice(0, INTERFACE_NAME_MAX),
  };
}
