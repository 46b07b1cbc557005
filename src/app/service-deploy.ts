/** Deploys a service: what it needs at the hub, then its version site by site. */
import type { Emit } from "#base/events.ts";
import { PREFERENCES } from "#control/federation/agent/resources.ts";
import { systemClock } from "#control/runtime/clock.ts";
import { roll, WRITER } from "#lifecycle/service/rollout.ts";
import type { Applied, Kube } from "#ports/kube.ts";
import { enableType, ensureNamespace } from "./federate.ts";
import type { ServicePlan } from "./service-plan.ts";
import { podTroubles } from "./service-pods.ts";

export interface DeployOptions {
  /** So long each site may take. */
  readonly timeoutSeconds: number;
  readonly emit: Emit;
  /** A site's API, where there is a way to it: it can say more of what is wrong. */
  readonly open: (site: string) => Kube | undefined;
}

/** Whether there is anything to do. */
export function isChange({ changes, preferenceChanges, enable }: ServicePlan): boolean {
  return preferenceChanges || enable.length > 0 || changes.some(({ action }) => action !== "same");
}

/** Carries out a plan. Errors: SERVICE_UNWELL (exit 1), where the first site does not get well. */
export async function deployService(hub: Kube, plan: ServicePlan, options: DeployOptions): Promise<void> {
  const { service, parts, leftovers, clusters, order, preference } = plan;
  const { emit, open, timeoutSeconds } = options;
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
    sites: order,
    clusters,
    spread: preference !== undefined,
    timeoutSeconds,
    clock: systemClock,
    emit,
    explain: (site) => explain(site, plan, open(site)),
  });
  for (const { ref } of leftovers) await hub.delete(ref);
  if (preference) await hub.apply(spreading, preference as Applied<typeof preference>, WRITER);
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
