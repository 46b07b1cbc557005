/** `panopticon drill`: faults on a running lab, under the lab's own lock, watched over by a guardian. */
import { spawn } from "node:child_process";
import { mkdir, open } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { PanopticonError, worldFailed, wrongUse } from "#base/errors.ts";
import type { Emit } from "#base/events.ts";
import { stableJson } from "#base/hash.ts";
import { cloneContainerdSeed } from "#components/seed.ts";
import { siteStatus, type SiteStatus } from "#converge/status.ts";
import { buildGraph } from "#failure/build.ts";
import type { FaultGraph } from "#failure/graph.ts";
import { type Catalogue, catalogue } from "#lifecycle/drill/catalogue.ts";
import type { Fault } from "#lifecycle/drill/fault.ts";
import { reasons } from "#lifecycle/drill/health.ts";
import { HOLD_SECONDS, LATE_SECONDS, runDrill, SILENCE_SECONDS } from "#lifecycle/drill/run.ts";
import { select, type Selection } from "#lifecycle/drill/select.ts";
import { predicted } from "#lifecycle/drill/verdict.ts";
import type { FederationFile } from "#model/federation.ts";
import { makePlan } from "#plan/make.ts";
import type { Plan } from "#plan/plan.ts";
import type { DrillReport } from "#render/reports/drill.ts";
import { drillSites, drillState, healAfterDrill } from "./drill-ground.ts";
import { previousPlan } from "./files.ts";
import { stateDir } from "./folders.ts";
import { exclusively, labComponents, labOf, labPlan, requireRoot, labSite } from "./lab.ts";
import { onPrem, type SiteConnection } from "./site-context.ts";

export interface DrillList {
  readonly plan: Plan;
  readonly graph: FaultGraph;
  readonly known: Catalogue;
}

/** A fault and what the proof says of it. */
export interface PredictedFault {
  readonly id: string;
  readonly site: string;
  readonly says: string;
  /** Ids of the promises that it breaks. */
  readonly breaks: readonly string[];
}

/** Every fault that could be made with this file; reads no machine. */
export async function drillList(file: FederationFile): Promise<DrillList> {
  const plan = await makePlan(file, await previousPlan(file.federation.name));
  const graph = buildGraph(file.federation, plan);
  return { plan, graph, known: catalogue(file.federation, plan, graph) };
}

/** What the proof says of each fault. */
export function predictAll(graph: FaultGraph, faults: readonly Fault[]): readonly PredictedFault[] {
  return faults.map(({ id, site, says, loses }) => ({
    id,
    site,
    says,
    breaks: predicted(graph, loses)
      .filter((verdict) => verdict.predicted === "broken")
      .map(({ promise }) => promise),
  }));
}

export interface DrillOptions {
  /** Path of the federation file, for the guardian. */
  readonly path: string;
  readonly selection: Selection;
  readonly again: boolean;
  readonly signal: AbortSignal;
  readonly emit: Emit;
}

/**
 * Makes the selected faults on the running lab. Errors before anything is
 * touched: LAB_NOT_UP, DRILL_OTHER_PLAN, DRILL_UNHEALTHY, DRILL_UNKNOWN_FAULT.
 */
export async function drill(file: FederationFile, options: DrillOptions): Promise<DrillReport> {
  requireRoot();
  const { emit, signal, again } = options;
  const { plan: wanted, graph, known } = await drillList(file);
  const faults = select(known, options.selection);
  return exclusively(file.federation.name, emit, () =>
    withSites(file, emit, async (plan, contexts) => {
      refuseOther(plan, wanted);
      const healed = await healAfterDrill(file.federation, plan, contexts, emit);
      await refuseUnhealthy(contexts, healed ? HEALED_SECONDS : 0);
      const guardian = await startGuardian(plan.federation, options.path);
      const state = drillState(plan);
      const sites = drillSites(plan.federation, contexts);
      try {
        const results = await runDrill({ graph, sites, state, faults, again, signal, emit });
        return {
          federation: plan.federation,
          at: new Date().toISOString(),
          holdSeconds: HOLD_SECONDS,
          silenceSeconds: SILENCE_SECONDS,
          lateSeconds: LATE_SECONDS,
          results,
          undrilled: known.undrilled,
        };
      } finally {
        // Where something could not be taken back the guardian stays, and tries once more.
        guardian.end(state.open() ? "" : "done");
      }
    }),
  );
}

/** Takes back what a killed drill has left; nothing where there is nothing. */
export async function restoreAfterDrill(file: FederationFile, emit: Emit): Promise<void> {
  await exclusively(file.federation.name, emit, async () => {
    if ((await previousPlan(file.federation.name)) === undefined) return; // taken down meanwhile
    await withSites(file, emit, async (plan, contexts) => {
      await healAfterDrill(file.federation, plan, contexts, emit);
    });
  });
}

async function withSites<T>(
  file: FederationFile,
  emit: Emit,
  work: (plan: Plan, contexts: readonly SiteConnection[]) => Promise<T>,
): Promise<T> {
  const plan = await labPlan(file.federation.name);
  const { layers, seed } = await labComponents(emit);
  const lab = labOf(plan, layers, (target) => cloneContainerdSeed(seed, target));
  const contexts = onPrem(plan).map((site) => labSite(plan, site, lab, emit));
  try {
    return await work(plan, contexts);
  } finally {
    await Promise.all(contexts.map((context) => context.close()));
  }
}

function refuseOther(running: Plan, wanted: Plan): void {
  if (stableJson(running) === stableJson(wanted)) return;
  throw wrongUse(
    "DRILL_OTHER_PLAN",
    `the lab of ${running.federation} was brought up with another plan than this file gives.`,
    "`panopticon lab up FILE` brings the lab to the file; then drill.",
  );
}

/** What was just taken back may take so long to be well again. */
const HEALED_SECONDS = 120;

/** A drill on a lab that is hurt already would measure the wrong thing, and could harm it for good. */
async function refuseUnhealthy(contexts: readonly SiteConnection[], patienceSeconds: number): Promise<void> {
  const end = Date.now() + patienceSeconds * 1000;
  for (;;) {
    const all = await Promise.all(contexts.map((context) => siteStatus(context)));
    const wrong = all.filter(({ well }) => !well);
    if (wrong.length === 0) return;
    if (Date.now() > end) throw unhealthy(wrong);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

function unhealthy(wrong: readonly SiteStatus[]): PanopticonError {
  const problems = wrong.map((status) => ({
    code: "DRILL_UNHEALTHY",
    message: `${status.name} is not well, so nothing was touched: ${reasons(status).join("; ")}.`,
    hint: "`panopticon lab up FILE` mends what it can.",
    subject: status.name,
  }));
  return new PanopticonError(problems, 3);
}

interface Guardian {
  /** Says the drill's last word; any but "done" has the guardian take back what is left. */
  end(word: string): void;
}

const GUARDIAN = fileURLToPath(new URL("./drill-guardian.ts", import.meta.url));

/** Starts the guardian in a session of its own, so that what kills the drill does not reach it. */
async function startGuardian(federation: string, path: string): Promise<Guardian> {
  const folder = join(stateDir(federation), "drill");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const log = await open(join(folder, "guardian.log"), "a", 0o600);
  const child = spawn(process.execPath, [GUARDIAN, resolve(path)], {
    detached: true,
    stdio: ["pipe", log.fd, log.fd],
  });
  const started = await new Promise<boolean>((resolve) => {
    child.once("spawn", () => resolve(true));
    child.once("error", () => resolve(false));
  });
  await log.close();
  if (!started)
    throw worldFailed("DRILL_NO_GUARDIAN", "the process that watches over the drill could not be started.");
  child.stdin?.on("error", () => undefined);
  child.unref();
  return { end: (word) => child.stdin?.end(word) };
}
