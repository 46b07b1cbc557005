/** A dead server of a site replaced, in a lab or on a person's servers. */
import { join } from "node:path";
import { wrongUse } from "#base/errors.ts";
import type { Emit } from "#base/events.ts";
import { withLock } from "#components/lock.ts";
import { cloneContainerdSeed } from "#components/seed.ts";
import { awayMachines } from "#converge/away.ts";
import { closedGate, type Gate, openGate } from "#converge/gate.ts";
import { guardedGate, type GuardOptions } from "#converge/guard.ts";
import { openJournal } from "#converge/journal.ts";
import type { SiteContext } from "#converge/phase.ts";
import { PHASES } from "#converge/phases.ts";
import { blastRadius } from "#failure/blast.ts";
import { buildGraph } from "#failure/build.ts";
import type { ReplaceRecord } from "#lifecycle/replace/record.ts";
import { type ReplaceResult, replaceServer } from "#lifecycle/replace/run.ts";
import type { FederationFile } from "#model/federation.ts";
import type { Plan } from "#plan/plan.ts";
import type { Replacement } from "#plan/replacement.ts";
import { siteAddOns } from "./add-ons.ts";
import { keepOnServers } from "./adopt-servers.ts";
import { previousPlan, savePlan } from "./files.ts";
import { stateDir, stateHome } from "./folders.ts";
import { groundOf } from "./ground.ts";
import { guestImages } from "./guest-images.ts";
import { exclusively, labComponents, labOf, labSite, nothingMade, requireRoot } from "./lab.ts";
import { keptAccess } from "./machine-access.ts";
import { planReplacement } from "./replace-plan.ts";
import { replaceRecords } from "./replace-record.ts";
import type { ServerAccess } from "./server-access.ts";
import { presentComponents, serverComponents } from "./server-components.ts";
import { openServers } from "./servers.ts";
import { now, onPrem } from "./site-context.ts";
import { siteFederation } from "./site-federation.ts";
import { probeWorker } from "./watchdog/probe.ts";

export interface ReplaceOptions {
  readonly dryRun: boolean;
  /** The person's word that the old server is off for good. */
  readonly switchedOff: boolean;
  /** How servers let us in; as the last `apply` was told where it is not given. */
  readonly access?: ServerAccess;
  readonly emit: Emit;
}

export interface ReplaceOutcome extends ReplaceResult {
  readonly plan: Plan;
}

/** Brings what the site keeps to its servers, of which one is new; gives the number of changes. */
type Keep = (gate: Gate, site: SiteContext) => Promise<number>;

/** Longer than a busy machine takes to answer a connect. */
const REACH_MS = 2000;

/**
 * Brings the machines of a dead server up on another one, or says each step of
 * it. It may be killed and run again. Errors: SERVER_REPLACE_… beside those of the phases.
 */
export async function replaceDeadServer(
  file: FederationFile,
  order: Replacement,
  options: ReplaceOptions,
): Promise<ReplaceOutcome> {
  const { name } = file.federation;
  const ground = await groundOf(name);
  if (ground === "lab") {
    requireRoot();
    return exclusively(name, options.emit, () => inLab(file, order, options));
  }
  const onWait = (pid: number) =>
    options.emit({ kind: "note", subject: name, what: `another run (process ${pid}) works on it: waiting` });
  return withLock(join(stateHome(), `.${name}.lock`), { onWait }, () => onServers(file, order, options));
}

interface Planned {
  readonly plan: Plan;
  readonly record: ReplaceRecord | undefined;
  /** Where the old server was reached, if it has an address. */
  readonly oldAddress: string | undefined;
}

/** SERVER_REPLACE_NOTHING_UP (exit 2) where nothing was brought up from here. */
async function planned(file: FederationFile, order: Replacement): Promise<Planned> {
  const { name } = file.federation;
  const previous = await previousPlan(name);
  if (!previous) {
    throw wrongUse(
      "SERVER_REPLACE_NOTHING_UP",
      `nothing of ${name} was brought up from here, so no server of it can be replaced from here.`,
      "Where another machine brought it up and is lost: panopticon adopt FILE",
    );
  }
  const record = await replaceRecords(name).read();
  const plan = await planReplacement(file, previous, order, record);
  const servers = previous.sites.find((site) => site.name === order.site)?.servers ?? [];
  return { plan, record, oldAddress: servers.find((server) => server.name === order.old)?.address };
}

async function inLab(
  file: FederationFile,
  order: Replacement,
  options: ReplaceOptions,
): Promise<ReplaceOutcome> {
  const { emit, dryRun } = options;
  const { plan } = await planned(file, order);
  const { layers, seed, agent, manifests, program } = dryRun
    ? await nothingMade()
    : await labComponents(emit);
  const lab = labOf(plan, layers, (target) => cloneContainerdSeed(seed, target));
  const sites = onPrem(plan).map((site) => labSite(plan, site, lab, emit));
  const contexts = sites.map((site) => ({
    ...site,
    federation: siteFederation(site, sites, agent),
    addOns: siteAddOns(site, manifests),
    ...(program && { program }),
  }));
  try {
    return await replaced(file, plan, contexts, order, options);
  } finally {
    await Promise.all(contexts.map((context) => context.close()));
  }
}

async function onServers(
  file: FederationFile,
  order: Replacement,
  options: ReplaceOptions,
): Promise<ReplaceOutcome> {
  const { emit, dryRun, access } = options;
  const { plan, oldAddress } = await planned(file, order);
  const used = access ?? (await keptAccess(plan.federation)) ?? {};
  const servers = openServers(plan, used, guestImages(emit), emit);
  try {
    const { software, manifests, agent, program } = await (dryRun
      ? presentComponents()
      : serverComponents(emit));
    const contexts = servers.contexts.map((site) => ({
      ...site,
      software,
      federation: siteFederation(site, servers.contexts, agent),
      addOns: siteAddOns(site, manifests),
      ...(program && { program }),
    }));
    const keep = (gate: Gate, site: SiteContext) => keepOnServers([site], servers.shell, gate);
    return await replaced(file, plan, contexts, order, { ...options, keep }, oldAddress);
  } finally {
    await servers.close();
  }
}

async function replaced(
  file: FederationFile,
  plan: Plan,
  contexts: readonly SiteContext[],
  order: Replacement,
  { dryRun, switchedOff, emit, keep }: ReplaceOptions & { readonly keep?: Keep },
  oldAddress?: string,
): Promise<ReplaceOutcome> {
  const context = contexts.find(({ site }) => site.name === order.site);
  if (!context) throw new RangeError(`the plan has no site ${order.site}`);
  const journal = dryRun ? undefined : openJournal(join(stateDir(plan.federation), "journal.sqlite"));
  try {
    journal?.settle(now());
    const gate = journal ? openGate(journal, emit, now) : closedGate(emit);
    const outageOf = outages(file, plan, context, order);
    const result = await replaceServer(
      {
        context,
        phases: PHASES,
        gate: guardedGate(gate, { outageOf, accept: false }),
        // These machines are lost already: what that means is said, and no reason to wait.
        clearGate: guardedGate(gate, { outageOf, accept: true }),
        records: replaceRecords(plan.federation),
        keepPlan: () => savePlan(plan),
        reaches: async (address, port) => (await probeWorker(address, port, REACH_MS)) !== "silent",
      },
      { ...order, switchedOff, ...(oldAddress !== undefined && { oldAddress }) },
    );
    const kept = (await keep?.(gate, context)) ?? 0;
    return { plan, ...result, changes: result.changes + kept };
  } finally {
    journal?.close();
  }
}

/** By the failure proof: what it means that machines are away, beside those that are and are not replaced. */
function outages(
  file: FederationFile,
  plan: Plan,
  context: SiteContext,
  { fresh }: Replacement,
): GuardOptions["outageOf"] {
  const graph = buildGraph(file.federation, plan);
  const { site } = context;
  const moving = new Set(site.machines.filter(({ server }) => server === fresh).map(({ name }) => name));
  return async (_site, machines) => {
    const away = (await awayMachines(context)).filter((name) => !moving.has(name));
    const { breaks, says } = blastRadius(graph, site, away, machines);
    return { says, breaks: breaks.map(({ id }) => id) };
  };
}
