/** The failure proof as the command line sees it: a file, perhaps changed in thought, planned and proved. */
import type { Federation, FederationFile } from "#model/federation.ts";
import type { Proof } from "#failure/proof.ts";
import { prove, type ProveOptions } from "#failure/prove.ts";
import { applyEdits } from "#failure/what-if.ts";
import { makePlan } from "#plan/make.ts";
import type { Plan } from "#plan/plan.ts";
import { previousPlan } from "./files.ts";

export interface Proved {
  readonly federation: Federation;
  readonly plan: Plan;
  readonly proof: Proof;
  /** The proof of the file as it is, where changes to it were tried. */
  readonly before?: Proof;
}

/** Proves a file; with `edits` also what it would be with these changes. Nothing is written. */
export async function proveFile(
  file: FederationFile,
  edits: readonly string[],
  options: ProveOptions,
): Promise<Proved> {
  const { federation } = file;
  // Edits are read before anything is worked out, so that a mistyped one is told at once.
  const changed = applyEdits(federation, edits);
  const plan = await makePlan(file, await previousPlan(federation.name));
  if (edits.length === 0) return { federation, plan, proof: prove(federation, plan, options) };
  const before = prove(federation, plan, { ...options, without: [] });
  const thought = await makePlan({ federation: changed, source: new Map() }, plan);
  return { federation: changed, plan: thought, proof: prove(changed, thought, options), before };
}
