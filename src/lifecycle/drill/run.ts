/** The drill: one fault after the other is made, measured, taken back and seen to leave no trace. */
import { worldFailed } from "#base/errors.ts";
import type { Emit } from "#base/events.ts";
import type { FaultGraph } from "#failure/graph.ts";
import { type FaultResult, verdictWords } from "#render/reports/drill.ts";
import type { DrillSite, Fault } from "./fault.ts";
import { becomesHealthy } from "./health.ts";
import type { DrillState } from "./state.ts";
import { closeService, openService, undo } from "./take-back.ts";
import { defectsOf, predicted } from "./verdict.ts";
import { type DrillWatch, watchAll } from "./watch.ts";

/** How long a fault lasts before it is judged. */
export const HOLD_SECONDS = 8;
/** A promise that nobody answered for this long at the end is broken. */
export const SILENCE_SECONDS = 2;
/** What the proof says will hold may take this much longer on a busy box; how long it took is told as its gap. */
export const LATE_SECONDS = 12;
/** How often a fault is made again because the box stood still. */
const MOST_VOID = 2;
const HEALTHY_SECONDS = 240;

export interface DrillRun {
  readonly graph: FaultGraph;
  readonly sites: readonly DrillSite[];
  readonly state: DrillState;
  readonly faults: readonly Fault[];
  /** Makes faults anew whose results are kept. */
  readonly again: boolean;
  /** Ends the drill after taking back what is there. */
  readonly signal: AbortSignal;
  readonly emit: Emit;
}

/** Results in the order of the faults; fewer where the signal ended it. */
export async function runDrill(run: DrillRun): Promise<readonly FaultResult[]> {
  const { state, faults, emit, signal } = run;
  const kept = new Map(run.again ? [] : await state.results());
  const open = faults.filter(({ id }) => !kept.has(id));
  const known = faults.length - open.length;
  if (known > 0)
    emit({
      kind: "note",
      subject: "drill",
      what: `${known} results are kept from before; --again makes them anew`,
    });
  if (open.length > 0) {
    await state.setActive([]);
    try {
      await openService(run.sites);
      const watch = await watchAll(run.sites);
      try {
        for (const [index, fault] of open.entries()) {
          if (signal.aborted) break;
          const twin = twinOf(fault, faults, kept);
          const result = twin
            ? sameAs(run, fault, twin)
            : await drillFairly(run, watch, fault, index / open.length);
          if (result === undefined) break;
          kept.set(fault.id, result);
          await state.keep(kept);
        }
      } finally {
        await watch.stop();
      }
    } finally {
      await closeService(run.sites);
    }
    await state.close();
  }
  return faults.map(({ id }) => kept.get(id)).filter((result) => result !== undefined);
}

/** What came of a fault that is made in just the same way, such as a server's and its only disk's. */
function twinOf(
  fault: Fault,
  faults: readonly Fault[],
  kept: ReadonlyMap<string, FaultResult>,
): FaultResult | undefined {
  const twin = faults.find(({ id, way }) => fault.way !== undefined && way === fault.way && kept.has(id));
  return twin && kept.get(twin.id);
}

/** The same measurement, held against what the proof says of this fault. */
function sameAs({ graph, emit }: DrillRun, { id, says, loses }: Fault, twin: FaultResult): FaultResult {
  const measured = new Map(twin.verdicts.map((verdict) => [verdict.promise, verdict.measured]));
  const verdicts = predicted(graph, loses).flatMap((verdict) => {
    const seen = measured.get(verdict.promise);
    return seen ? [{ ...verdict, measured: seen }] : [];
  });
  const base = { ...twin, id, says, verdicts, measuredWith: twin.measuredWith ?? twin.id };
  const result = { ...base, defects: defectsOf(base, []) };
  emit({
    kind: "note",
    subject: id,
    what: `made in the same way as ${base.measuredWith}: ${verdictWords(result)}`,
  });
  return result;
}

/**
 * A site that the fault does not touch is the control: where it fell silent too,
 * the box stood still and nothing was measured. The fault is made again, twice at
 * most; what was void is counted in the result.
 */
async function drillFairly(
  run: DrillRun,
  watch: DrillWatch,
  fault: Fault,
  fraction: number,
): Promise<FaultResult | undefined> {
  for (let voided = 0; ; voided++) {
    const result = await drillOne(run, watch, fault, fraction);
    if (result === undefined || voided === MOST_VOID || !isVoid(result))
      return result && { ...result, ...(voided > 0 && { voided }) };
    const what =
      "a site that the fault does not touch fell silent too: the box stood still, and it is made again";
    run.emit({ kind: "note", subject: fault.id, what });
  }
}

function isVoid({ site, verdicts }: FaultResult): boolean {
  return verdicts.some(
    ({ promise, predicted: said, measured }) =>
      !promise.endsWith(`:${site}`) && said === "holds" && measured === "broken",
  );
}

/** Undefined where the signal came before the fault was judged. */
async function drillOne(
  run: DrillRun,
  watch: DrillWatch,
  fault: Fault,
  fraction: number,
): Promise<FaultResult | undefined> {
  const { emit, state, signal } = run;
  const ground = run.sites.find(({ context }) => context.site.name === fault.site);
  if (!ground) throw new RangeError(`the drill has no site ${fault.site}`);
  const started = performance.now();
  const say = (what: string) => emit({ kind: "progress", subject: fault.id, what, fraction });
  say(fault.says);
  await state.setActive([fault.id]);
  await Promise.all([...watch.sites.values()].map(({ etcd }) => etcd.begin()));
  let seen: Seen | undefined;
  try {
    await fault.prepare?.(ground);
    watch.reset();
    await fault.make(ground);
    await pause(HOLD_SECONDS, signal);
    seen = look(run, watch, fault);
    for (let late = 0; late < LATE_SECONDS && !asForetold(seen) && !signal.aborted; late++) {
      await pause(1, signal);
      seen = look(run, watch, fault);
    }
  } finally {
    watch.reset();
    await undo(ground, fault);
  }
  const returned = performance.now();
  say("back to health");
  const unhealthy = await becomesHealthy(ground, watch, HEALTHY_SECONDS);
  const healthyAfter = unhealthy.length === 0 ? (performance.now() - returned) / 1000 : undefined;
  const writes = await checkWrites(watch);
  const base = { ...seen, gapsAtReturn: watch.gaps(), healthyAfter, writes };
  const result = { ...base, defects: defectsOf(base, unhealthy) };
  emit({
    kind: "done",
    subject: fault.id,
    what: verdictWords(result),
    seconds: (performance.now() - started) / 1000,
  });
  if (unhealthy.length > 0) {
    throw worldFailed(
      "DRILL_NOT_HEALTHY",
      `${fault.id} was taken back, and ${HEALTHY_SECONDS} s later: ${unhealthy.join("; ")}.`,
      "`panopticon lab up FILE` mends what it can; the drill goes on from there when it is started again.",
    );
  }
  await state.setActive([]);
  return signal.aborted ? undefined : result;
}

type Seen = Pick<FaultResult, "id" | "site" | "says" | "verdicts" | "gaps" | "holders" | "vip">;

/** Whether nothing is missing that the proof says will hold. */
function asForetold({ site, verdicts, holders }: Seen): boolean {
  const missing = verdicts.filter(
    ({ predicted: said, measured }) => said === "holds" && measured === "broken",
  );
  const api = verdicts.find(({ promise }) => promise === `api:${site}`);
  return missing.length === 0 && (api?.predicted === "broken" || holders.length === 1);
}

/** Everything that is known at the end of the fault's time. */
function look({ graph }: DrillRun, watch: DrillWatch, fault: Fault): Seen {
  const silent = (promise: string): boolean => {
    const [kind = "", name = ""] = promise.split(":");
    const site = watch.sites.get(name);
    const gaps = { api: site?.api.gap, etcd: site?.etcd.gap, outside: watch.outside.of(name) };
    return (gaps[kind as keyof typeof gaps]?.sinceAnswer() ?? Number.POSITIVE_INFINITY) > SILENCE_SECONDS;
  };
  const holders = watch.sites.get(fault.site)?.holders;
  return {
    id: fault.id,
    site: fault.site,
    says: fault.says,
    verdicts: predicted(graph, fault.loses)
      .filter(({ promise }) => watch.sites.has(promise.split(":")[1] ?? ""))
      .map((verdict) => ({ ...verdict, measured: silent(verdict.promise) ? "broken" : "holds" })),
    gaps: watch.gaps(),
    holders: holders?.now() ?? [],
    vip: holders?.longest() ?? { none: 0, several: 0 },
  };
}

async function checkWrites(watch: DrillWatch): Promise<FaultResult["writes"]> {
  const all = await Promise.all(
    [...watch.sites.values()].map(async ({ etcd }) => ({
      acknowledged: etcd.acknowledged(),
      lost: await etcd.lost(),
    })),
  );
  return {
    acknowledged: all.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
    lost: all.flatMap(({ lost }) => lost),
  };
}

async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
