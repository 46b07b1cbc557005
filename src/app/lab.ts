/**
 * The lab as the command line sees it: one file becomes running sites on this
 * box, and is taken down again. Here the lab's driver, OpenSSH and the
 * Kubernetes client are put behind the ports that convergence knows.
 */
import { rm } from "node:fs/promises";
import { totalmem } from "node:os";
import { join } from "node:path";
import { wrongUse } from "#base/errors.ts";
import type { Emit } from "#base/events.ts";
import {
  type AgentImage,
  getAllComponents,
  readyAgent,
  readyManifests,
  readyProgram,
} from "#components/get.ts";
import type { Program } from "#components/steering.ts";
import { withLock } from "#components/lock.ts";
import { cloneContainerdSeed } from "#components/seed.ts";
import { converge } from "#converge/engine.ts";
import { closedGate, openGate } from "#converge/gate.ts";
import { openJournal } from "#converge/journal.ts";
import { PHASES } from "#converge/phases.ts";
import { cgroupVersion } from "#drivers/lab/cgroups.ts";
import { type Lab, openLab } from "#drivers/lab/driver.ts";
import type { FederationFile } from "#model/federation.ts";
import type { Service } from "#model/service/service.ts";
import { makePlan } from "#plan/make.ts";
import type { Plan, SitePlan } from "#plan/plan.ts";
import { labPlatform } from "#render/files.ts";
import { type Manifests, readManifests, siteAddOns } from "./add-ons.ts";
import { healAfterDrill } from "./drill-ground.ts";
import { previousPlan, savePlan } from "./files.ts";
import { cacheDir, stateDir } from "./folders.ts";
import { claimGround } from "./ground.ts";
import { refuseWhileReplacing } from "./replace-record.ts";
import { siteFederation } from "./site-federation.ts";
import { type FederationSummary, federationSummary } from "./lab-membership.ts";
import { labLimits, labScale } from "./lab-limits.ts";
import { ensureLabWitness } from "./lab-witness.ts";
import { ensureAcmeCertificates } from "./certificates.ts";
import { deploySample, sampleOf } from "./lab-sample.ts";
import { now, onPrem, openSiteContext, type SiteConnection } from "./site-context.ts";

export interface LabUpOptions {
  readonly dryRun: boolean;
  readonly emit: Emit;
}

export interface LabUpResult {
  readonly plan: Plan;
  /** Changes made, or in a dry run those that would be. */
  readonly changes: number;
  /** What the sites are to each other; missing in a dry run. */
  readonly federation?: FederationSummary;
  /** The service that was deployed to show what a lab does; missing likewise. */
  readonly sample?: Service;
}

/** Brings every on-prem site of a file up on this box, or says what that would change. */
export async function labUp(file: FederationFile, options: LabUpOptions): Promise<LabUpResult> {
  requireRoot();
  const { emit, dryRun } = options;
  const name = file.federation.name;
  return exclusively(name, emit, async () => {
    await claimGround(name, "lab", { claim: !dryRun });
    await refuseWhileReplacing(name);
    // A run that had to wait plans on what the other one left.
    const plan = await makePlan(file, await previousPlan(name));
    noteScale(plan, emit);
    const { layers, seed, agent, manifests, program } = dryRun
      ? await nothingMade()
      : await labComponents(emit);
    const lab = labOf(plan, layers, (target) => cloneContainerdSeed(seed, target));
    if (!dryRun) await savePlan(plan);
    const sites = onPrem(plan).map((site) => labSite(plan, site, lab, emit));
    const contexts = sites.map((site) => ({
      ...site,
      federation: siteFederation(site, sites, agent),
      addOns: siteAddOns(site, manifests),
      ...(program && { program }),
    }));
    const journal = dryRun ? undefined : openJournal(join(stateDir(name), "journal.sqlite"));
    try {
      for (const cut of journal?.unfinished() ?? []) {
        emit({ kind: "note", subject: cut.subject, what: `the last run was cut off here: ${cut.what}` });
      }
      journal?.settle(new Date());
      if (!dryRun) await healAfterDrill(file.federation, plan, contexts, emit);
      const gate = journal ? openGate(journal, emit, now) : closedGate(emit);
      const changes =
        (await converge(PHASES, contexts, gate)) +
        (await ensureLabWitness(plan, gate)) +
        (await ensureAcmeCertificates(plan, { contexts, gate, emit }));
      if (dryRun) return { plan, changes };
      const federation = await federationSummary(plan, contexts);
      const hub = contexts.find((context) => context.site.name === federation.crown);
      if (hub) await deploySample(plan, hub, gate);
      const sample = await sampleOf(plan);
      return { plan, changes, federation, ...(sample && { sample }) };
    } finally {
      journal?.close();
      await Promise.all(contexts.map((context) => context.close()));
    }
  });
}

/** Takes the lab of a federation off this box with all its state; gives what was there, in words. */
export async function labDown(federation: string, emit: Emit): Promise<readonly string[]> {
  requireRoot();
  return exclusively(federation, emit, async () => {
    await claimGround(federation, "lab", { claim: false });
    const lab = openLab({ ...labBasics(federation), layers: [], fillContainerd: nothing, limits: noLimits });
    const before = await lab.remains();
    await lab.down();
    await rm(stateDir(federation), { recursive: true, force: true });
    return before;
  });
}

/** The plan a federation's lab was brought up with; an error where there is none. */
export async function labPlan(federation: string): Promise<Plan> {
  const plan = await previousPlan(federation);
  if (plan) return plan;
  throw wrongUse(
    "LAB_NOT_UP",
    `no lab of ${federation} was brought up here.`,
    "Start with `panopticon lab up FILE`.",
  );
}

/** What reaches one site of a running lab; nothing is opened before it is used. */
export function openSite(plan: Plan, site: SitePlan): SiteConnection {
  return labSite(plan, site, labOf(plan, [], nothing), () => undefined);
}

/** The site as the lab has it. */
export function labSite(plan: Plan, site: SitePlan, lab: Lab, emit: Emit): SiteConnection {
  const ground = { hypervisor: lab, platform: labPlatform(cgroupVersion()) };
  return openSiteContext(plan, site, ground, { controlDir: join("/run", "panopticon"), emit });
}

export function labOf(
  plan: Plan,
  layers: readonly string[],
  fillContainerd: (target: string) => Promise<void>,
): Lab {
  return openLab({
    ...labBasics(plan.federation),
    layers,
    fillContainerd,
    limits: labLimits(plan, totalmem()),
  });
}

function labBasics(federation: string): { federation: string; labDir: string } {
  return { federation, labDir: join(stateDir(federation), "lab") };
}

export interface LabComponents {
  readonly layers: readonly string[];
  readonly seed: string;
  readonly agent: AgentImage | undefined;
  readonly manifests: Manifests;
  readonly program: Program | undefined;
}

export async function labComponents(emit: Emit): Promise<LabComponents> {
  const { nodeLayer, baseRoot, containerdSeed, agent, manifests, program } = await getAllComponents({
    emit,
    cacheDir: cacheDir(),
  });
  return {
    layers: [nodeLayer, baseRoot],
    seed: containerdSeed,
    agent,
    manifests: await readManifests(manifests),
    program,
  };
}

/** What a dry run knows of them. */
export async function nothingMade(): Promise<LabComponents> {
  const manifests = await readManifests(await readyManifests(cacheDir()));
  const [agent, program] = await Promise.all([readyAgent(cacheDir()), readyProgram(cacheDir())]);
  return { layers: [], seed: "", agent, manifests, program };
}

function noteScale(plan: Plan, emit: Emit): void {
  const scale = labScale(plan, totalmem());
  if (scale >= 1) return;
  const what = `memory limits are scaled to ${Math.round(scale * 100)} % of the plan, which is larger than this box`;
  emit({ kind: "note", subject: plan.federation, what });
}

/** One run at a time per federation; a second one waits and says for whom. The lock outlives the state, which `down` removes. */
export async function exclusively<T>(federation: string, emit: Emit, work: () => Promise<T>): Promise<T> {
  const onWait = (pid: number) =>
    emit({ kind: "note", subject: federation, what: `another run (process ${pid}) works on it: waiting` });
  return withLock(join("/run/lock", `panopticon-${federation}`), { onWait }, work);
}

/** The lab needs root; said before anything is installed or built. */
export function requireRoot(): void {
  if (process.getuid?.() === 0) return;
  throw wrongUse(
    "LAB_NOT_ROOT",
    "the lab makes machines and networks, which needs root.",
    "Run it with sudo.",
  );
}

async function nothing(): Promise<void> {
  // A lab that is only looked at fills no machine.
}

function noLimits(): never {
  throw new Error("a lab that is only looked at starts no machine");
}
