/** What a site's API needs before its agent can work: resources, a namespace, the fence. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Applied, type Kube, KubeError, type KubeObject, type Resource } from "#ports/kube.ts";
import { CONFIG_NAME, defaultConfig } from "../api/config.ts";
import { federationCrds } from "../api/crds.ts";
import type { CrownSite, CrownSpec } from "../api/crown.ts";
import { SEATS } from "../api/crown.ts";
import { CROWN_NAME, FEDERATION_GROUP, SYSTEM_NAMESPACE } from "../api/names.ts";
import { fencePolicies } from "../crown/fence.ts";
import { CONFIGS, CROWNS, DEFINITIONS, NAMESPACES } from "./resources.ts";

/** User names of agents begin so; the site's name follows. */
const AGENT_PREFIX = "panopticon:agent:";

const ADMISSION = { group: "admissionregistration.k8s.io", version: "v1" };
const SERVED_SECONDS = 30;

/** Resources and the namespace that they are in; nothing is written where nothing has to change. */
export async function installResources(kube: Kube): Promise<void> {
  await Promise.all(federationCrds().map((crd) => applyAs(kube, DEFINITIONS, crd)));
  const metadata = { name: SYSTEM_NAMESPACE };
  await createOnce(kube, NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata });
  await served(() => kube.list({ resource: CROWNS }));
}

/** The fence of this site's API: nobody but `agent` writes what the agent keeps. */
export async function installFence(kube: Kube, site: string, agent: string): Promise<void> {
  for (const policy of fencePolicies({ site, agent, agentPrefix: AGENT_PREFIX })) {
    const bindings = policy.kind?.endsWith("Binding") ?? false;
    const plural = bindings ? "validatingadmissionpolicybindings" : "validatingadmissionpolicies";
    await applyAs(kube, { ...ADMISSION, plural }, policy);
  }
}

/** Makes this API the hub of a new federation; an existing crown stays as it is. */
export async function found(kube: Kube, first: CrownSite, at: string): Promise<void> {
  const epoch = SEATS + first.seat;
  const spec: CrownSpec = {
    epoch,
    holder: first.name,
    sites: [first],
    history: [{ epoch, holder: first.name, at, how: "founded" }],
  };
  const crown = crownObject(spec);
  await createOnce(kube, CROWNS, crown);
  await served(() => createOnce(kube, CONFIGS, defaultConfig(), SYSTEM_NAMESPACE));
}

export function crownObject(spec: CrownSpec): KubeObject & { readonly spec: CrownSpec } {
  return { apiVersion: `${FEDERATION_GROUP}/v1`, kind: "Crown", metadata: { name: CROWN_NAME }, spec };
}

/** Who this client is to the API, by its own word (SelfSubjectReview, stable since Kubernetes 1.28). */
export async function userNameOf(kube: Kube): Promise<string> {
  const resource = { group: "authentication.k8s.io", version: "v1", plural: "selfsubjectreviews" };
  const review = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
  const answer = (await kube.create({ resource }, review)) as KubeObject & {
    readonly status?: { readonly userInfo?: { readonly username?: string } };
  };
  return answer.status?.userInfo?.username ?? "";
}

async function applyAs(kube: Kube, resource: Resource, object: KubeObject): Promise<void> {
  await kube.apply({ resource, name: object.metadata?.name ?? "" }, object as Applied<KubeObject>, {
    fieldManager: "panopticon-install",
  });
}

async function createOnce(
  kube: Kube,
  resource: Resource,
  object: KubeObject,
  namespace?: string,
): Promise<void> {
  const place = { resource, ...(namespace !== undefined && { namespace }) };
  if (await kube.find({ ...place, name: object.metadata?.name ?? CONFIG_NAME })) return;
  try {
    await kube.create(place, object);
  } catch (error) {
    if (!(error instanceof KubeError) || error.code !== "KUBE_ALREADY_EXISTS") throw error;
  }
}

/** A type that has just been defined takes a moment to be served. */
export async function served(action: () => Promise<unknown>): Promise<void> {
  const end = performance.now() + SERVED_SECONDS * 1000;
  for (;;) {
    try {
      await action();
      return;
    } catch (error) {
      if (!(error instanceof KubeError) || error.status !== 404 || performance.now() > end) throw error;
      await sleep(200);
    }
  }
}
