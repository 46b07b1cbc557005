/**
 * Convergence: an ordered list of phases over observed facts. A phase says what
 * differs from the plan now; the engine lets each difference through the gate.
 * Nothing remembers where a former run stopped, because every phase looks again.
 */
import type { Emit } from "#base/events.ts";
import type { Plan, SitePlan } from "#plan/plan.ts";
import type { Hypervisor } from "#ports/hypervisor.ts";
import type { Kube } from "#ports/kube.ts";
import type { MachineSettings } from "#ports/settings.ts";
import type { Shell } from "#ports/shell.ts";
import type { Platform, RenderedFile } from "#render/files.ts";
import type { SiteAddOns } from "./add-ons.ts";
import type { SiteFederation } from "./federation.ts";
import type { Keyring } from "./keyring.ts";
import type { Program } from "./program.ts";
import type { NodeSoftware } from "./software.ts";

/** All that a phase may use at one site. */
export interface SiteContext {
  readonly plan: Plan;
  readonly site: SitePlan;
  readonly platform: Platform;
  readonly hypervisor: Hypervisor;
  /** Of its machines; missing where the ground keeps none. */
  readonly settings?: MachineSettings;
  readonly shell: Shell;
  /** The site's API through its VIP; only once the keys are there. */
  readonly kube: () => Promise<Kube>;
  readonly keyring: Keyring;
  /** What the federation wants of the site; missing where nobody asks for it to be brought up. */
  readonly federation?: SiteFederation;
  /** What runs in its cluster beside; missing likewise. */
  readonly addOns?: SiteAddOns;
  /** What makes its machines nodes; missing where they have it from their first day. */
  readonly software?: NodeSoftware;
  /** What steers names on its ECAMs; missing likewise, and in a dry run where it was not made yet. */
  readonly program?: Program;
  /** What its control planes keep for whoever adopts it; missing where nobody asks for it to be brought up. */
  readonly kept?: () => Promise<RenderedFile>;
  readonly now: () => Date;
  readonly emit: Emit;
}

/** One difference between the plan and what is there, and how it is mended. */
export interface Change {
  /** Machine, or the site itself. */
  readonly subject: string;
  /** In words, as an order: "start the machine". */
  readonly what: string;
  /** Machines that serve nothing while it is made. */
  readonly interrupts?: readonly string[];
  /** Makes it so and returns when it is; may be killed anywhere and called again. */
  apply(): Promise<void>;
}

export interface Phase {
  /** Stable, such as `control-planes`. */
  readonly name: string;
  readonly title: string;
  /** How many changes may be under way at once at one site. */
  readonly concurrency: number;
  /** Observes, and gives what differs from the plan; changes nothing. What cannot be observed yet counts as absent. */
  changes(context: SiteContext): Promise<readonly Change[]>;
}

/** Steps in order; a list within the list is phases that run side by side. */
export type Phases = readonly (Phase | readonly Phase[])[];
