/** A fault as the drill makes it: its name, what the proof calls what is lost, how it is made and how it is taken back. */
import type { SiteContext } from "#converge/phase.ts";
import type { Faults } from "#ports/faults.ts";

/** One site as the drill reaches it. */
export interface DrillSite {
  readonly context: SiteContext;
  readonly faults: Faults;
}

export interface Fault {
  /** A component's id, such as `machine:attic-cp-1`, or a fault of the drill's own, such as `freeze:attic-cp-1`. */
  readonly id: string;
  readonly site: string;
  /** What is done, as an order: "cut the power of attic-cp-1". */
  readonly says: string;
  /** Ids of the components that are lost while it lasts; the prediction is asked for these. */
  readonly loses: readonly string[];
  /** Faults with the same word here are made in just the same way, so one measurement serves all of them. */
  readonly way?: string;
  /** What must stand before the fault is made and is no part of it. */
  prepare?(ground: DrillSite): Promise<void>;
  make(ground: DrillSite): Promise<void>;
  /** Takes it back, also where it was made by halves, never, or by a run that was killed; may be called again. */
  undo(ground: DrillSite): Promise<void>;
}
