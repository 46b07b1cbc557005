/**
 * The one gate to the world: every change passes here, is written down before
 * and after, and in a dry run is only said.
 */
import type { Emit } from "#base/events.ts";
import type { Journal } from "./journal.ts";
import type { Change } from "./phase.ts";

export interface Gate {
  readonly dryRun: boolean;
  /** Lets a change through, or says it. */
  pass(site: string, phase: string, change: Change): Promise<void>;
}

/** A gate that makes changes and writes them into the journal. */
export function openGate(journal: Journal, emit: Emit, now: () => Date): Gate {
  return {
    dryRun: false,
    pass: async (site, phase, change) => {
      const { subject, what } = change;
      const started = now();
      emit({ kind: "change-start", site, phase, subject, what });
      const entry = journal.begin({ site, phase, subject, what, at: started });
      try {
        await change.apply();
      } catch (error) {
        journal.end(entry, now(), error instanceof Error ? error.message : String(error));
        throw error;
      }
      journal.end(entry, now());
      const seconds = (now().getTime() - started.getTime()) / 1000;
      emit({ kind: "change-end", site, phase, subject, what, seconds });
    },
  };
}

/** A gate that lets nothing through and says what it would have. */
export function closedGate(emit: Emit): Gate {
  return {
    dryRun: true,
    pass: async (site, phase, { subject, what }) => {
      emit({ kind: "change-planned", site, phase, subject, what });
    },
  };
}
