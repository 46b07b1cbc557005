/** Settings that a ground keeps of each machine (memory, processors, disks), which somebody may change behind our back. */
import type { MachinePlan, SitePlan } from "#plan/plan.ts";

/** How one machine differs from its plan. */
export interface SettingsDrift {
  readonly machine: string;
  /** In words, one difference each. */
  readonly what: readonly string[];
  /** Mended only by a restart. */
  readonly restart: boolean;
}

/** A ground that has such settings; the lab's containers have none. */
export interface MachineSettings {
  /** The planned machines that are there and differ from their plan. Changes nothing. */
  drift(site: SitePlan): Promise<readonly SettingsDrift[]>;
  /**
   * Brings one machine's settings to its plan. Where that wants a restart, the
   * machine is shut down in order and started again; it may be called again after
   * being killed anywhere.
   */
  mend(site: SitePlan, machine: MachinePlan): Promise<void>;
}
