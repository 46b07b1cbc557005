/** Renewal as the command line starts it: at the sites of a lab, through the gate, one run at a time. */
import { join } from "node:path";
import { wrongUse } from "#base/errors.ts";
import type { Emit } from "#base/events.ts";
import { closedGate, openGate } from "#converge/gate.ts";
import { openJournal } from "#converge/journal.ts";
import type { Plan, SitePlan } from "#plan/plan.ts";
import { renewCertificates } from "./certificates.ts";
import { stateDir } from "./folders.ts";
import { exclusively, openSite } from "./lab.ts";
import { onPrem } from "./site-context.ts";

export interface RunOptions {
  readonly dryRun: boolean;
  readonly proofSeconds: number;
  readonly emit: Emit;
  /** Only this one. */
  readonly site?: string;
}

/** Errors: CERTIFICATE_SITE_UNKNOWN, and those of `renewCertificates`. @returns the number of changes */
export async function renewFederation(plan: Plan, options: RunOptions): Promise<number> {
  const { dryRun, emit, proofSeconds } = options;
  const sites = chosen(plan, options.site);
  return await exclusively(plan.federation, emit, async () => {
    const contexts = sites.map((site) => openSite(plan, site));
    const journal = dryRun ? undefined : openJournal(join(stateDir(plan.federation), "journal.sqlite"));
    try {
      journal?.settle(new Date());
      const gate = journal ? openGate(journal, emit, () => new Date()) : closedGate(emit);
      return await renewCertificates(plan, { contexts, gate, emit, proofSeconds });
    } finally {
      journal?.close();
      await Promise.all(contexts.map((context) => context.close()));
    }
  });
}

function chosen(plan: Plan, name: string | undefined): readonly SitePlan[] {
  const sites = onPrem(plan);
  const found = sites.filter((site) => name === undefined || site.name === name);
  if (found.length > 0) return found;
  const known = sites.map((site) => site.name).join(", ");
  throw wrongUse("CERTIFICATE_SITE_UNKNOWN", `there is no site ${name} on-prem`, `There are ${known}.`);
}
