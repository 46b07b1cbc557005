/**
 * What a ground can do to its own machines and networks on purpose, and take
 * back. Faults inside a machine (a killed program, a full disk) are no business
 * of the ground: they go through the Shell port.
 */
import type { SitePlan } from "#plan/plan.ts";

/** A port of the site's external address that leads to a port of a machine. */
export interface Forward {
  readonly external: string;
  readonly port: number;
  /** LAN address of the machine. */
  readonly address: string;
  readonly toPort: number;
}

/**
 * Each fault returns once it is there. Making one that is there already changes
 * nothing, and faults of one site add up until `restore`.
 */
export interface Faults {
  /** Cuts the power of all these machines in one instant, as a dead server would. */
  cutPower(site: SitePlan, machines: readonly string[]): Promise<void>;
  /** Stops a machine in the middle of what it does: nothing in it runs, and nothing of it answers on the network. */
  freeze(site: SitePlan, machine: string): Promise<void>;
  /** Takes the site's router away, with all it remembers. */
  loseRouter(site: SitePlan): Promise<void>;
  /** Cuts the router's line to the internet. */
  cutLine(site: SitePlan): Promise<void>;
  /** Takes one external address away; the others and the line stay. */
  removeAddress(site: SitePlan, address: string): Promise<void>;
  /** Nothing that `from` sends reaches `to` any more; the other direction stays. Names of machines. */
  cutLink(site: SitePlan, from: string, to: string): Promise<void>;
  /**
   * Names of the machines that would answer for a LAN address now; found out
   * without asking them, since a frozen machine can't be asked.
   */
  answering(site: SitePlan, address: string): Promise<readonly string[]>;
  /** What is written before a command so that it runs outside every site, in the internet. */
  outside(): readonly string[];
  /** Replaces the ports that the site's router passes on to machines; an empty list takes them away. */
  forward(site: SitePlan, forwards: readonly Forward[]): Promise<void>;
  /** Takes back every fault at the site but lost power, whoever made it; forwarded ports may be gone afterwards. */
  restore(site: SitePlan): Promise<void>;
}
