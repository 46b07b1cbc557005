/** The ground machines stand on: the lab's containers, Xen's domains. */
import type { MachinePlan, SitePlan } from "#plan/plan.ts";
import type { RenderedFile } from "#render/files.ts";

/** What is there, whatever the plan says. */
export interface ObservedMachine {
  readonly name: string;
  readonly uuid: string;
  /** `crashed`: it ended by itself and nobody started it again; a ground that can't tell says `stopped`. */
  readonly state: "running" | "stopped" | "crashed";
}

/**
 * Creates, starts and removes machines. Every method observes first and may be
 * called again after being killed anywhere in the middle.
 */
export interface Hypervisor {
  /** What the site still lacks before a machine can be started (bridge, router), in words; empty when ready. */
  lacks(site: SitePlan): Promise<readonly string[]>;
  /** Makes what `lacks` named. */
  prepare(site: SitePlan): Promise<void>;
  /** Every machine of ours at the site, planned or not. */
  observe(site: SitePlan): Promise<readonly ObservedMachine[]>;
  /**
   * Creates the machine where it is absent (with `seed`, the files it must have
   * before its first boot) and starts it where it is stopped. Returns when its
   * init runs, which is before it answers on the network.
   */
  start(site: SitePlan, machine: MachinePlan, seed: readonly RenderedFile[]): Promise<void>;
  /** Cuts its power, as a dead server would. */
  kill(site: SitePlan, name: string): Promise<void>;
  /** Removes the machine with its disks. */
  remove(site: SitePlan, name: string): Promise<void>;
}
