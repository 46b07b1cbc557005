/** Runs the phases at every site, sites side by side, and counts what was changed. */
import { setTimeout as sleep } from "node:timers/promises";
import { PanopticonError, type Problem } from "#base/errors.ts";
import type { Gate } from "./gate.ts";
import type { Phase, Phases, SiteContext } from "./phase.ts";

/** How often a phase is tried, and how long its site is left alone before it is tried again. */
export interface Patience {
  readonly tries: number;
  readonly pauseMs: number;
}

/** An API that elects a leader or a pod that starts beside ten others is itself again after seconds. */
const PATIENCE: Patience = { tries: 3, pauseMs: 5000 };
/** A phase that took longer has had its patience inside: it is not begun again. */
const LONG_SECONDS = 600;

/**
 * Brings all sites to their plan. A site that fails does not hold up another;
 * the errors of all are thrown together at the end. Where the world fails a
 * phase, the phase looks again and goes on from what is there, a few times; a dry
 * run asks once.
 * @returns the number of changes made (in a dry run: that would be made).
 */
export async function converge(
  phases: Phases,
  contexts: readonly SiteContext[],
  gate: Gate,
  patience = PATIENCE,
): Promise<number> {
  const used = gate.dryRun ? { ...patience, tries: 1 } : patience;
  return sumOfAll(contexts.map((context) => convergeSite(phases, context, gate, used)));
}

async function convergeSite(
  phases: Phases,
  context: SiteContext,
  gate: Gate,
  patience: Patience,
): Promise<number> {
  let total = 0;
  for (const step of phases) {
    const together = "name" in step ? [step] : step;
    total += await sumOfAll(together.map((phase) => runPhase(phase, context, gate, patience)));
  }
  return total;
}

/** One phase to its end; gives how many changes there were. */
async function runPhase(
  phase: Phase,
  context: SiteContext,
  gate: Gate,
  { tries, pauseMs }: Patience,
): Promise<number> {
  const { name, title } = phase;
  const { emit, now } = context;
  const site = context.site.name;
  const started = now().getTime();
  const seconds = () => (now().getTime() - started) / 1000;
  let changes = 0;
  emit({ kind: "phase-start", site, phase: name, title });
  for (let left = tries - 1; ; left--) {
    try {
      await tryPhase(phase, context, gate, () => changes++);
      break;
    } catch (error) {
      if (!isWorlds(error) || left <= 0 || seconds() > LONG_SECONDS) throw error;
      emit({ kind: "note", subject: site, what: `${title}, to be tried again: ${error.message}` });
      await sleep(pauseMs);
    }
  }
  emit({ kind: "phase-end", site, phase: name, title, changes, seconds: seconds() });
  return changes;
}

/** Looks, and lets every difference through the gate. */
async function tryPhase(phase: Phase, context: SiteContext, gate: Gate, onPassed: () => void): Promise<void> {
  const changes = await phase.changes(context);
  await bounded(phase.concurrency, changes, async (change) => {
    await gate.pass(context.site.name, phase.name, change);
    onPassed();
  });
}

/** Whether it is the world that failed, which may do better in a moment. */
function isWorlds(error: unknown): error is PanopticonError {
  return error instanceof PanopticonError && error.exit === 3;
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
  const [first] = known;
  if (first !== undefined && known.length === 1) return first;
  const problems: Problem[] = known.flatMap((failure) => failure.problems);
  const exit = known.every((failure) => failure.exit === first?.exit) ? first?.exit : undefined;
  return new PanopticonError(problems, exit ?? 3, { cause: first });
}
