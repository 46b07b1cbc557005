/** What makes sites one federation: the steps that convergence takes at each of them. */
import { worldFailed } from "#base/errors.ts";
import { CONFIG_NAME, defaultConfig } from "#control/federation/api/config.ts";
import { federationCrds } from "#control/federation/api/crds.ts";
import { DEFAULT_TYPES } from "#control/federation/api/default-types.ts";
import { federatedTypeFor } from "#control/federation/api/enable.ts";
import { CROWN_NAME, SYSTEM_NAMESPACE } from "#control/federation/api/names.ts";
import { fenceObjects, found, siteNamespaces } from "#control/federation/agent/install.ts";
import { CONFIGS, CROWNS, TYPE_CONFIGS } from "#control/federation/agent/resources.ts";
import type { AgentImage, SiteFederation } from "#converge/federation.ts";
import { apiReady } from "#converge/kubeadm.ts";
import { allApplied, applyAll } from "#converge/objects.ts";
import type { SiteContext } from "#converge/phase.ts";
import { kubeconfig, type KubeconfigContent } from "#converge/pki/kubeconfig.ts";
import { DEPLOYMENTS, PODS } from "#converge/resources.ts";
import type { Step } from "#converge/step.ts";
import { until, waitFor } from "#converge/wait.ts";
import type { SitePlan } from "#plan/plan.ts";
import { type Applied, apiPath, type Kube, KubeError, type KubeObject, type Resource } from "#ports/kube.ts";
import { AGENT_NAME, agentObjects, agentReplicas } from "#render/federation/agent.ts";
import { agentClient } from "./site-keyring.ts";

const SETTLE_SECONDS = 180;
/** A pod that starts on a busy box, and a lease of an agent that was killed. */
const AGENT_SECONDS = 300;

/** Shown where a dry run would make the image first. */
const UNMADE = "panopticon.test/agent:not-made-yet";

/** What the federation wants of a site; `all` are the contexts of all sites. */
export function siteFederation(
  context: SiteContext,
  all: readonly SiteContext[],
  image: AgentImage | undefined,
): SiteFederation {
  const { plan, site } = context;
  const founds = plan.crown === site.name;
  return {
    image,
    installs: [
      resources(),
      ...(founds ? [founding(context, all)] : []),
      objectsStep("raise the fence and give agents their rights", async () => fence(site)),
      agents(context, all, image?.name ?? UNMADE),
    ],
    joins: [agentsReady(site), heard(site), types(site, founds)],
  };
}

/** URL by which other sites reach a site's API: its router passes it on to the VIP. */
function outerEndpoint({ network, endpoint }: SitePlan): string {
  return `https://${network.external[0] ?? network.vip}:${endpoint.port}`;
}

type Objects = readonly Applied<KubeObject>[];

/** A step whose objects are compared with what is there. */
function objectsStep(what: string, objects: () => Promise<Objects | undefined>): Step {
  return {
    what,
    isDone: async (kube) => {
      const wanted = await objects();
      return wanted !== undefined && allApplied(kube, wanted);
    },
    take: async (kube) => applyAll(kube, (await objects()) ?? []),
  };
}

/** Every site has the types too, so that the crown finds them wherever it goes. */
function resources(): Step {
  const crds = [...federationCrds(), ...DEFAULT_TYPES.map((type) => federatedTypeFor(type).crd)];
  const step = objectsStep(
    "install the federation's resources",
    async () => [...crds, ...siteNamespaces().map(restricted)] as Objects,
  );
  return {
    ...step,
    take: async (kube) => {
      await step.take(kube);
      await waitFor("the federation's resources to be served", SETTLE_SECONDS, () =>
        kube.list({ resource: CROWNS }),
      );
    },
  };
}

/** No pod with more rights than ours runs beside the agents. */
function restricted(namespace: KubeObject): KubeObject {
  const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
  return { ...namespace, metadata: { ...namespace.metadata, labels } };
}

/** Not where another site holds a crown already: a site that was lost and built anew joins as a member. */
function founding({ site, keyring, now }: SiteContext, all: readonly SiteContext[]): Step {
  const others = all.filter((other) => other.site.name !== site.name);
  return {
    what: "found the federation, with the crown here",
    isDone: async (kube) => {
      if (await crownAt(kube)) return true;
      const crowns = await Promise.all(others.map(crownOfOther));
      return crowns.some((crown) => crown !== undefined);
    },
    take: async (kube) => {
      const { authority } = await keyring.operator();
      const first = {
        kind: "on-prem",
        endpoints: [outerEndpoint(site)],
        caBundle: Buffer.from(authority).toString("base64"),
      } as const;
      await waitFor("the federation to be founded", SETTLE_SECONDS, async () => {
        await found(kube, first, site.name, now().toISOString());
        return true;
      });
    },
  };
}

function fence(site: SitePlan): Objects {
  const { roles, policies } = fenceObjects(site.name);
  return [...roles, ...policies] as Objects;
}

function agents(context: SiteContext, all: readonly SiteContext[], image: string): Step {
  const { site } = context;
  const input = { namespace: SYSTEM_NAMESPACE, site, image, endpoints: [outerEndpoint(site)] };
  const apiPorts = [...new Set(all.map((one) => one.site.endpoint.port))];
  const objectsWith = (text: string) =>
    agentObjects({ ...input, apiPorts, kubeconfig: text }) as unknown as Objects;
  return {
    what: `run ${agentReplicas(site)} of its agent, with credentials for every site`,
    isDone: async (kube) => {
      const text = await credentials(context, all, false);
      return text !== undefined && allApplied(kube, objectsWith(text));
    },
    take: async (kube) => applyAll(kube, objectsWith((await credentials(context, all, true)) ?? "")),
  };
}

/**
 * The agent's kubeconfig: a context per site, each with a certificate of that
 * site's own authority. The current one is the hub it asks first: the crown's,
 * and at the crown's site another one, which knows better should this one be
 * built anew. Undefined where certificates lack and none may be made.
 */
async function credentials(
  { plan, site }: SiteContext,
  all: readonly SiteContext[],
  make: boolean,
): Promise<string | undefined> {
  const client = agentClient(site);
  const contents: KubeconfigContent[] = [];
  for (const { site: other, keyring } of all) {
    const access = make ? await keyring.client(client) : await keyring.presentClient(client);
    if (!access) return undefined;
    const { name, network, endpoint } = other;
    const server = name === site.name ? `https://${network.vip}:${endpoint.port}` : outerEndpoint(other);
    contents.push({ ...access, server, cluster: name, user: name, context: name });
  }
  const others = all.map((one) => one.site.name).filter((name) => name !== site.name);
  const first = others.includes(plan.crown) ? plan.crown : (others[0] ?? site.name);
  return kubeconfig(contents, first);
}

function agentsReady(site: SitePlan): Step {
  const planned = agentReplicas(site);
  const ref = { resource: DEPLOYMENTS, namespace: SYSTEM_NAMESPACE, name: AGENT_NAME };
  const isDone = async (kube: Kube): Promise<boolean> => {
    const { metadata, status } = (await kube.find(ref)) ?? {};
    const fresh = status?.observedGeneration === metadata?.generation;
    return fresh && [status?.updatedReplicas, status?.readyReplicas].every((one) => one === planned);
  };
  return {
    what: `see ${planned} of its agent ready`,
    isDone,
    take: (kube) =>
      until(`the agent of ${site.name} to be ready`, AGENT_SECONDS, async () => {
        const done = await isDone(kube);
        if (!done) await refuseCrashing(kube);
        return done;
      }),
  };
}

/** Says what a pod that starts again and again has said last; whoever waits tells it if time runs out. */
async function refuseCrashing(kube: Kube): Promise<void> {
  const from = { resource: PODS, namespace: SYSTEM_NAMESPACE };
  const { items } = await kube.list(from, { labelSelector: `app.kubernetes.io/name=${AGENT_NAME}` });
  for (const { metadata, status } of items) {
    const waiting = status?.containerStatuses?.[0]?.state?.waiting;
    if (!waiting?.reason || waiting.reason === "ContainerCreating") continue;
    const path = `${apiPath({ ...from, name: metadata?.name ?? "" })}/log?previous=true&tailLines=5`;
    const { status: code, text } = await kube.raw(path);
    const words = code === 200 ? text.trim() : (waiting.message ?? "");
    throw worldFailed("CONVERGE_AGENT", `${metadata?.name} is in ${waiting.reason}: ${words.slice(-1000)}`);
  }
}

/** By the word of its own crown, so that a hub that is away fails its members' wait and not their installation. */
function heard({ name }: SitePlan): Step {
  const isDone = async (kube: Kube): Promise<boolean> =>
    (await crownAt(kube))?.status?.holder?.heard ?? false;
  return {
    what: "see the hub hear its agent",
    isDone,
    take: (kube) => until(`the hub to hear the agent of ${name}`, AGENT_SECONDS, () => isDone(kube)),
  };
}

/** Only what lacks is made: a type that somebody has switched off (`propagation: Disabled`) stays so. */
function types(site: SitePlan, founds: boolean): Step {
  const configs = DEFAULT_TYPES.map((type) => federatedTypeFor(type).typeConfig);
  const place = { namespace: SYSTEM_NAMESPACE };
  const lacking = async (kube: Kube): Promise<readonly { resource: Resource; object: KubeObject }[]> => {
    const there = new Set((await kube.list({ resource: TYPE_CONFIGS, ...place })).items.map(nameOf));
    const config = await kube.find({ resource: CONFIGS, ...place, name: CONFIG_NAME });
    return [
      ...(config ? [] : [{ resource: CONFIGS, object: defaultConfig() }]),
      ...configs
        .filter((one) => !there.has(nameOf(one)))
        .map((object) => ({ resource: TYPE_CONFIGS, object })),
    ];
  };
  return {
    what: `federate ${configs.length} types`,
    isDone: async (kube) => {
      const crown = await crownAt(kube);
      if (!crown) return !founds;
      return crown.spec.holder !== site.name || (await lacking(kube)).length === 0;
    },
    take: (kube) =>
      until("types to be federated", SETTLE_SECONDS, async () => {
        for (const { resource, object } of await lacking(kube))
          await kube.create({ resource, ...place }, object);
        return true;
      }),
  };
}

function nameOf({ metadata }: KubeObject): string {
  return metadata?.name ?? "";
}

async function crownOfOther(context: SiteContext) {
  if (!(await context.keyring.complete()) || !(await apiReady(context))) return undefined;
  try {
    return await crownAt(await context.kube());
  } catch (error) {
    if (error instanceof KubeError) return undefined;
    throw error;
  }
}

function crownAt(kube: Kube) {
  return kube.find({ resource: CROWNS, name: CROWN_NAME });
}
