/** Runs the phases at every site, sites side by side, and counts what was changed. */
import { PanopticonError, type Problem } from "#base/errors.ts";
import type { Gate } from "./gate.ts";
import type { Phase, SiteContext } from "./phase.ts";

/** Steps in order; a list within the list is phases that run side by side. */
type Phases = readonly (Phase | readonly Phase[])[];

/**
 * Brings all sites to their plan. A site that fails does not hold up another;
 * the errors of all are thrown together at the end.
 * @returns the number of changes made (in a dry run: that would be made).
 */
export async function converge(
  phases: Phases,
  contexts: readonly SiteContext[],
  gate: Gate,
): Promise<number> {
  return sumOfAll(contexts.map((context) => convergeSite(phases, context, gate)));
}

async function convergeSite(phases: Phases, context: SiteContext, gate: Gate): Promise<number> {
  let total = 0;
  for (const step of phases) {
    const together = "name" in step ? [step] : step;
    total += await sumOfAll(together.map((phase) => runPhase(phase, context, gate)));
  }
  return total;
}

/** Looks, and lets every difference through the gate; gives how many there were. */
async function runPhase(phase: Phase, context: SiteContext, gate: Gate): Promise<number> {
  const { name, title } = phase;
  const site = context.site.name;
  const started = context.now().getTime();
  context.emit({ kind: "phase-start", site, phase: name, title });
  const changes = await phase.changes(context);
  await bounded(phase.concurrency, changes, (change) => gate.pass(site, name, change));
  const seconds = (context.now().getTime() - started) / 1000;
  context.emit({ kind: "phase-end", site, phase: name, title, changes: changes.length, seconds });
  return changes.length;
}

/** The sum of what all give, once all have ended; their errors together where some failed. */
async function sumOfAll(works: readonly Promise<number>[]): Promise<number> {
  const results = await Promise.allSettled(works);
  const failures = results.filter((result) => result.status === "rejected").map(({ reason }) => reason);
  if (failures.length > 0) throw combined(failures);
  return results.reduce((sum, result) => sum + (result.status === "fulfilled" ? result.value : 0), 0);
}

/** Works through a list with at most `limit` under way; starts nothing new after a failure, and waits for the rest. */
async function bounded<T>(
  limit: number,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const failures: unknown[] = [];
  const lane = async () => {
    for (let item = queue.shift(); item !== undefined && failures.length === 0; item = queue.shift()) {
      await work(item).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  if (failures.length > 0) throw combined(failures);
}

/** One error from several; what is not one of ours is a defect and is passed on as it is. */
function combined(failures: readonly unknown[]): unknown {
  const unknown = failures.find((failure) => !(failure instanceof PanopticonError));
  if (unknown !== undefined) return unknown;
  const known = failures.filter((failure) => failure instanceof PanopticonError);
  const problems: Problem[] = known.flatMap((failure) => failure.problems);
  return new PanopticonError(problems, 3, { cause: failures[0] });
}
