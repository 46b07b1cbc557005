/** How a lab's sites stand to each other, by the word of each. */
import { CROWN_NAME, SYSTEM_NAMESPACE } from "#control/federation/api/names.ts";
import { readyIn } from "#control/federation/agent/readiness-controller.ts";
import { CLUSTERS, CROWNS } from "#control/federation/agent/resources.ts";
import type { Crown } from "#control/federation/api/crown.ts";
import type { SiteContext } from "#converge/phase.ts";
import { DEPLOYMENTS } from "#converge/resources.ts";
import type { Plan } from "#plan/plan.ts";
import { type Kube, KubeError } from "#ports/kube.ts";
import { AGENT_NAME, agentReplicas } from "#render/federation/agent.ts";

const ANSWER = { timeoutSeconds: 5 };
/** A site that has just got power back hears first of the crown, then the hub of it. */
const SETTLE_SECONDS = 60;
const TRY_MS = 250;

export interface MemberStatus {
  readonly name: string;
  /** Who holds the crown by this site's word, and since which epoch; missing where it can't be asked or has none. */
  readonly crown?: string;
  readonly epoch?: number;
  /** Whether the holder hears this site's agent, by this site's word. */
  readonly heard: boolean;
  readonly agents: { readonly ready: number; readonly planned: number };
  readonly well: boolean;
}

export interface FederationSummary {
  /** The site that holds the crown by the newest word there is; missing where no site has one. */
  readonly crown?: string;
  readonly epoch?: number;
  /** The site that the file gives the crown to. */
  readonly planned: string;
  readonly sites: readonly MemberStatus[];
  readonly well: boolean;
}

/** Asks every site; one that can't be asked is unwell, not an error. */
export async function askFederation(
  plan: Plan,
  contexts: readonly SiteContext[],
): Promise<FederationSummary> {
  const sites = await Promise.all(contexts.map(memberStatus));
  const newest = sites.reduce<MemberStatus | undefined>(
    (best, site) => ((site.epoch ?? 0) > (best?.epoch ?? 0) ? site : best),
    undefined,
  );
  const agreed = sites.every(({ epoch }) => epoch === newest?.epoch);
  return {
    ...(newest?.crown !== undefined && { crown: newest.crown }),
    ...(newest?.epoch !== undefined && { epoch: newest.epoch }),
    planned: plan.crown,
    sites,
    well: newest !== undefined && agreed && sites.every(({ well }) => well),
  };
}

/** The same once all of it is well and the hub has said of every site that it is ready, or both have had their time. */
export async function federationSummary(
  plan: Plan,
  contexts: readonly SiteContext[],
): Promise<FederationSummary> {
  const end = performance.now() + SETTLE_SECONDS * 1000;
  for (;;) {
    const summary = await askFederation(plan, contexts);
    const hub = contexts.find(({ site }) => site.name === summary.crown);
    const ready = summary.well && hub !== undefined && (await allReady(await hub.kube(), contexts));
    if (ready || performance.now() > end) return summary;
    await new Promise((resolve) => setTimeout(resolve, TRY_MS));
  }
}

async function allReady(hub: Kube, contexts: readonly SiteContext[]): Promise<boolean> {
  const clusters = await answer(hub.list({ resource: CLUSTERS, namespace: SYSTEM_NAMESPACE }, ANSWER));
  const ready = new Set(
    clusters?.items.filter((cluster) => readyIn(cluster)).map(({ metadata }) => metadata?.name),
  );
  return contexts.every(({ site }) => ready.has(site.name));
}

async function memberStatus(context: SiteContext): Promise<MemberStatus> {
  const { name } = context.site;
  const planned = agentReplicas(context.site);
  const unknown = { name, heard: false, agents: { ready: 0, planned }, well: false };
  if (!(await context.keyring.complete())) return unknown;
  const kube = await context.kube();
  const deployment = { resource: DEPLOYMENTS, namespace: SYSTEM_NAMESPACE, name: AGENT_NAME };
  const [crown, agent] = await Promise.all([
    answer<Crown | undefined>(kube.find({ resource: CROWNS, name: CROWN_NAME }, ANSWER)),
    answer(kube.find(deployment, ANSWER)),
  ]);
  const ready = agent?.status?.readyReplicas ?? 0;
  const heard = crown?.status?.holder?.heard ?? false;
  return {
    name,
    ...(crown && { crown: crown.spec.holder, epoch: crown.spec.epoch }),
    heard,
    agents: { ready, planned },
    well: heard && ready === planned,
  };
}

/** Undefined where the API gave none. */
async function answer<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof KubeError) return undefined;
    throw error;
  }
}
