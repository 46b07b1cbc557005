/** A file's sites brought to their plan on a person's servers. */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { wrongUse } from "#base/errors.ts";
import type { Emit } from "#base/events.ts";
import { withLock } from "#components/lock.ts";
import { awayMachines } from "#converge/away.ts";
import { converge } from "#converge/engine.ts";
import { closedGate, type Gate, openGate } from "#converge/gate.ts";
import { guardedGate, type Outage } from "#converge/guard.ts";
import { openJournal } from "#converge/journal.ts";
import type { Phases, SiteContext } from "#converge/phase.ts";
import { PHASES } from "#converge/phases.ts";
import { blastRadius } from "#failure/blast.ts";
import { buildGraph } from "#failure/build.ts";
import type { FederationFile } from "#model/federation.ts";
import { makePlan } from "#plan/make.ts";
import type { Plan } from "#plan/plan.ts";
import type { Shell } from "#ports/shell.ts";
import { siteAddOns } from "./add-ons.ts";
import { keepOnServers, sealOperator } from "./adopt-servers.ts";
import { ensureAcmeCertificates } from "./certificates.ts";
import { previousPlan, savePlan } from "./files.ts";
import { stateDir, stateHome } from "./folders.ts";
import { claimGround } from "./ground.ts";
import { guestImages } from "./guest-images.ts";
import { refuseWhileReplacing } from "./replace-record.ts";
import { siteFederation } from "./site-federation.ts";
import { keepAccess } from "./machine-access.ts";
import type { ServerAccess } from "./server-access.ts";
import { presentComponents, serverComponents } from "./server-components.ts";
import { openServers } from "./servers.ts";
import { now } from "./site-context.ts";

export interface ApplyOptions {
  readonly dryRun: boolean;
  /** Make changes also where promises do not hold meanwhile. */
  readonly acceptOutage: boolean;
  /** The last phase that is gone through; all of them where it is not given. */
  readonly until?: string;
  readonly access: ServerAccess;
  readonly emit: Emit;
}

export interface ApplyResult {
  readonly plan: Plan;
  /** Changes made, or in a dry run those that would be. */
  readonly changes: number;
}

/**
 * Brings every on-prem site to the plan, or says what that would change. It may
 * be killed and run again. Errors: APPLY_… beside those of the phases.
 */
export async function applyFile(file: FederationFile, options: ApplyOptions): Promise<ApplyResult> {
  const { emit, dryRun, access, until } = options;
  const name = file.federation.name;
  const phases = phasesUntil(until);
  const onWait = (pid: number) =>
    emit({ kind: "note", subject: name, what: `another run (process ${pid}) works on it: waiting` });
  return withLock(join(stateHome(), `.${name}.lock`), { onWait }, async () => {
    await claimGround(name, "servers", { claim: false });
    await refuseWhileReplacing(name);
    const plan = await makePlan(file, await previousPlan(name));
    const servers = openServers(plan, access, guestImages(emit), emit);
    const { software, manifests, agent, program } = await (dryRun
      ? presentComponents()
      : serverComponents(emit));
    if (!dryRun) {
      await claimGround(name, "servers", { claim: true });
      await savePlan(plan);
      await keepAccess(name, access);
      await sealOperator(name, access, emit);
    }
    const contexts = servers.contexts.map((site) => ({
      ...site,
      software,
      federation: siteFederation(site, servers.contexts, agent),
      addOns: siteAddOns(site, manifests),
      ...(program && { program }),
    }));
    try {
      return { plan, changes: await throughGate(file, plan, contexts, servers.shell, phases, options) };
    } finally {
      await servers.close();
    }
  });
}

async function throughGate(
  file: FederationFile,
  plan: Plan,
  contexts: readonly SiteContext[],
  servers: Shell,
  phases: Phases,
  { dryRun, acceptOutage, emit }: ApplyOptions,
): Promise<number> {
  const journal = dryRun ? undefined : openJournal(join(stateDir(plan.federation), "journal.sqlite"));
  try {
    for (const cut of journal?.unfinished() ?? []) {
      emit({ kind: "note", subject: cut.subject, what: `the last run was cut off here: ${cut.what}` });
    }
    journal?.settle(now());
    const gate: Gate = guardedGate(journal ? openGate(journal, emit, now) : closedGate(emit), {
      outageOf: outages(file, plan, contexts, dryRun),
      accept: acceptOutage,
    });
    const changes = await converge(phases, contexts, gate);
    if (phases !== PHASES) return changes;
    return (
      changes +
      (await keepOnServers(contexts, servers, gate)) +
      (await ensureAcmeCertificates(plan, { contexts, gate, emit }))
    );
  } finally {
    journal?.close();
  }
}

/**
 * What it means that machines are away, by the failure proof and what is away
 * already: looked at anew for each change, but once in a dry run, which makes none.
 */
function outages(
  file: FederationFile,
  plan: Plan,
  contexts: readonly SiteContext[],
  dryRun: boolean,
): (site: string, machines: readonly string[]) => Promise<Outage> {
  const graph = buildGraph(file.federation, plan);
  const look = async () => (await Promise.all(contexts.map(awayMachines))).flat();
  let once: Promise<readonly string[]> | undefined;
  return async (name, machines) => {
    const site = plan.sites.find((each) => each.name === name);
    if (!site) throw new RangeError(`the plan has no site ${name}`);
    const away = await (dryRun ? (once ??= look()) : look());
    const { breaks, says } = blastRadius(graph, site, away, machines);
    return { says, breaks: breaks.map(({ id }) => id) };
  };
}

/** The phases up to the one of that name, and what goes side by side with it; APPLY_UNKNOWN_PHASE (exit 2). */
function phasesUntil(name: string | undefined): Phases {
  if (name === undefined) return PHASES;
  const names = PHASES.map((step) => ("name" in step ? [step] : step).map((phase) => phase.name));
  const last = names.findIndex((step) => step.includes(name));
  if (last >= 0) return PHASES.slice(0, last + 1);
  throw wrongUse(
    "APPLY_UNKNOWN_PHASE",
    `there is no phase called ${name}.`,
    `They are ${names.flat().join(", ")}.`,
  );
}

/** Also writes every event to a file, one JSON object with its time per line: a log to send to somebody. */
export function logged(emit: Emit, file: string): Emit {
  return (event) => {
    emit(event);
    appendFileSync(file, `${JSON.stringify({ at: now().toISOString(), ...event })}\n`, { mode: 0o600 });
  };
}
