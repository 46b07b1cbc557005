/** Deploys a service: what it needs at the hub, then its version site by site. */
import { wrongUse } from "#base/errors.ts";
import type { Emit } from "#base/events.ts";
import { PREFERENCES } from "#control/federation/agent/resources.ts";
import { systemClock } from "#control/runtime/clock.ts";
import { roll, WRITER } from "#lifecycle/service/rollout.ts";
import type { Kube } from "#ports/kube.ts";
import { enableType, ensureNamespace } from "./federate.ts";
import type { ServicePlan } from "./service-plan.ts";
import { podTroubles } from "./service-pods.ts";

export interface DeployOptions {
  /** So long each site may take. */
  readonly timeoutSeconds: number;
  /** Sites that are not waited for: they get it with the template, when they return. */
  readonly skip: readonly string[];
  readonly emit: Emit;
  /** A site's API, where there is a way to it: it can say more of what is wrong. */
  readonly open: (site: string) => Kube | undefined;
}

/** Whether there is anything to do. */
export function isChange({ changes, preferenceChanges, enable }: ServicePlan): boolean {
  return preferenceChanges || enable.length > 0 || changes.some(({ action }) => action !== "same");
}

/** Carries out a plan. Errors: SERVICE_UNWELL (exit 1) at the first site that does not get well, SERVICE_SKIP (exit 2). */
export async function deployService(hub: Kube, plan: ServicePlan, options: DeployOptions): Promise<void> {
  const { service, parts, leftovers, clusters, order, preference } = plan;
  const { emit, open, skip, timeoutSeconds } = options;
  const sites = order.filter((site) => !skip.includes(site));
  refuseSkips(plan, skip, sites);
  const { name, namespace } = service;
  for (const { type, collectStatus } of plan.enable) {
    await enableType(hub, type, collectStatus);
    emit({
      kind: "note",
      subject: type,
      what: collectStatus ? "is federated, with its status" : "is federated",
    });
  }
  await ensureNamespace(hub, namespace);
  const spreading = { resource: PREFERENCES, namespace, name };
  if (plan.preferenceStops) await hub.delete(spreading);
  await roll({
    hub,
    service: name,
    parts,
    sites,
    clusters,
    spread: preference !== undefined,
    timeoutSeconds,
    clock: systemClock,
    emit,
    explain: (site) => explain(site, plan, open(site)),
  });
  for (const { ref } of leftovers) await hub.delete(ref);
  if (preference) await hub.apply(spreading, preference, WRITER);
}

/** A version has to prove itself somewhere before the template says it. */
function refuseSkips({ order }: ServicePlan, skip: readonly string[], sites: readonly string[]): void {
  const strange = skip.filter((site) => !order.includes(site));
  if (strange.length === 0 && sites.length > 0) return;
  const message =
    strange.length > 0
      ? `--skip names ${strange.join(", ")}, which this service does not go to`
      : "--skip leaves no site for the service to prove itself at";
  throw wrongUse("SERVICE_SKIP", message, `Its sites are ${order.join(", ")}.`);
}

async function explain(
  site: string,
  { clusters, service }: ServicePlan,
  kube: Kube | undefined,
): Promise<string | undefined> {
  if (clusters.find(({ name }) => name === site)?.ready === false) return "its agent is not heard at present";
  const [first] = kube ? await podTroubles(kube, service) : [];
  return first;
}
