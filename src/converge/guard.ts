/** A gate that knows what a change costs while it is made: it says so, and refuses what breaks a promise. */
import { PanopticonError } from "#base/errors.ts";
import type { Gate } from "./gate.ts";
import type { Change } from "./phase.ts";

/** What it means that machines of a site are away, beside those that are away already. */
export interface Outage {
  /** In words: "1 of 3 control planes of attic away; nothing is lost by it". */
  readonly says: string;
  /** The promises that do not hold meanwhile. */
  readonly breaks: readonly string[];
}

export interface GuardOptions {
  readonly outageOf: (site: string, machines: readonly string[]) => Promise<Outage>;
  /** Let such changes through. */
  readonly accept: boolean;
}

/**
 * Changes that interrupt machines pass one at a time in the whole federation,
 * since two that are harmless alone may not be so together.
 * APPLY_BREAKS_PROMISE (exit 1) where one is refused; a dry run says it.
 */
export function guardedGate(gate: Gate, { outageOf, accept }: GuardOptions): Gate {
  let last: Promise<unknown> = Promise.resolve();
  const passInterrupting = async (site: string, phase: string, change: Change): Promise<void> => {
    const outage = await outageOf(site, change.interrupts ?? []);
    const refused = outage.breaks.length > 0 && !accept;
    if (refused && !gate.dryRun) throw refusal(change, outage);
    const note = refused ? " (refused without --accept-outage)" : "";
    await gate.pass(site, phase, { ...change, what: `${change.what} — ${outage.says}${note}` });
  };
  return {
    dryRun: gate.dryRun,
    pass: (site, phase, change) => {
      if ((change.interrupts ?? []).length === 0) return gate.pass(site, phase, change);
      const own = last.then(() => passInterrupting(site, phase, change));
      last = own.catch(() => undefined);
      return own;
    },
  };
}

function refusal({ subject, what }: Change, { says, breaks }: Outage): PanopticonError {
  return new PanopticonError(
    [
      {
        code: "APPLY_BREAKS_PROMISE",
        subject,
        message: `${subject}: ${what} would break ${breaks.join(", ")}: ${says}.`,
        hint: "Bring back what is away first, or give --accept-outage and say when.",
      },
    ],
    1,
  );
}
