/** Runs the phases at every site, sites side by side, and counts what was changed. */
import { PanopticonError, type Problem } from "#base/errors.ts";
import type { Gate } from "./gate.ts";
import type { Phase, SiteContext } from "./phase.ts";

/**
 * Brings all sites to their plan. A site that fails does not hold up another;
 * the errors of all are thrown together at the end.
 * @returns the number of changes made (in a dry run: that would be made).
 */
export async function converge(
  phases: readonly Phase[],
  contexts: readonly SiteContext[],
  gate: Gate,
): Promise<number> {
  const results = await Promise.allSettled(contexts.map((context) => convergeSite(phases, context, gate)));
  const failures = results.filter((result) => result.status === "rejected").map(({ reason }) => reason);
  if (failures.length > 0) throw combined(failures);
  return results.reduce((sum, result) => sum + (result.status === "fulfilled" ? result.value : 0), 0);
}

async function convergeSite(phases: readonly Phase[], context: SiteContext, gate: Gate): Promise<number> {
  let total = 0;
  for (const phase of phases) {
    const site = context.site.name;
    const started = context.now().getTime();
    context.emit({ kind: "phase-start", site, phase: phase.name, title: phase.title });
    const changes = await phase.changes(context);
    await bounded(phase.concurrency, changes, (change) => gate.pass(site, phase.name, change));
    total += changes.length;
    const seconds = (context.now().getTime() - started) / 1000;
    const { name, title } = phase;
    context.emit({ kind: "phase-end", site, phase: name, title, changes: changes.length, seconds });
  }
  return total;
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
