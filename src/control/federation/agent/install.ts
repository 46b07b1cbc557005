/** What a site's API needs before its agent can work: resources, namespaces, rights, the fence. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Applied,
  type Kube,
  KubeError,
  type KubeObject,
  type ObjectRef,
  type Resource,
} from "#ports/kube.ts";
import { CONFIG_NAME, defaultConfig } from "../api/config.ts";
import { federationCrds } from "../api/crds.ts";
import type { CrownSite, CrownSpec } from "../api/crown.ts";
import { SEATS } from "../api/crown.ts";
import { CROWN_NAME, FEDERATION_GROUP, SYSTEM_NAMESPACE } from "../api/names.ts";
import { fencePolicies } from "../crown/fence.ts";
import { AGENT_USER_PREFIX, JOIN_NAMESPACE } from "../join/identity.ts";
import { agentRoles } from "../join/roles.ts";
import { CONFIGS, CROWNS, DEFINITIONS, NAMESPACES } from "./resources.ts";

const ADMISSION = { group: "admissionregistration.k8s.io", version: "v1" };
const RBAC = "rbac.authorization.k8s.io";
const SERVED_SECONDS = 30;
const UNCLAIMED = "unclaimed";

/** The namespaces that a site's API needs. */
export function siteNamespaces(): readonly KubeObject[] {
  const names = [SYSTEM_NAMESPACE, JOIN_NAMESPACE];
  return names.map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } }));
}

/** Resources and the namespaces that they are in; nothing is written where nothing has to change. */
export async function installResources(kube: Kube): Promise<void> {
  await Promise.all(federationCrds().map((crd) => applyAs(kube, DEFINITIONS, crd)));
  for (const namespace of siteNamespaces()) await createOnce(kube, NAMESPACES, namespace);
  await served(() => kube.list({ resource: CROWNS }));
}

/** The rights of agents and the fence of this site's API: nobody but `agent` writes what the agent keeps. */
export async function installFence(
  kube: Kube,
  site: string,
  agent = `${AGENT_USER_PREFIX}${site}`,
): Promise<void> {
  const { roles, policies } = fenceObjects(site, agent);
  for (const one of roles) await applyRole(kube, one);
  for (const policy of policies) await applyAs(kube, fenceRef(policy).resource, policy);
}

/** What the fence of a site's API is made of: who may do what, and the admission policies. */
export function fenceObjects(
  site: string,
  agent = `${AGENT_USER_PREFIX}${site}`,
): { readonly roles: readonly KubeObject[]; readonly policies: readonly KubeObject[] } {
  return { roles: agentRoles({ site }), policies: fencePolicies({ site, agent }) };
}

/** Where an admission policy or its binding is. */
export function fenceRef({ kind, metadata }: KubeObject): ObjectRef {
  const plural = kind?.endsWith("Binding")
    ? "validatingadmissionpolicybindings"
    : "validatingadmissionpolicies";
  return { resource: { ...ADMISSION, plural }, name: metadata?.name ?? "" };
}

/** Where a role or a binding is, in its namespace or the cluster. */
export function roleRef({ kind, metadata }: KubeObject): ObjectRef {
  const resource = { group: RBAC, version: "v1", plural: `${kind?.toLowerCase()}s` };
  const { name = "", namespace } = metadata ?? {};
  return { resource, name, ...(namespace !== undefined && { namespace }) };
}

/** A role or a binding, in its namespace or the cluster. */
export async function applyRole(kube: Kube, object: KubeObject): Promise<void> {
  await kube.apply(roleRef(object), object as Applied<KubeObject>, { fieldManager: "panopticon-install" });
}

/**
 * Makes this API the hub of a new federation; an existing crown stays as it is.
 * @param name of the site that this is; where nobody has said it yet, its own agent will (`claim`).
 */
export async function found(
  kube: Kube,
  first: Omit<CrownSite, "name" | "seat">,
  name: string | undefined,
  at: string,
): Promise<void> {
  const spec = founding({ ...first, name: name ?? UNCLAIMED, seat: 1 }, name === undefined ? 0 : 1, at);
  if (await createOnce(kube, CROWNS, crownObject(spec))) await open(kube, spec);
  await served(() => createOnce(kube, CONFIGS, defaultConfig(), SYSTEM_NAMESPACE));
}

/** Whether a federation was begun here without a word on which site this is: the crown is in no round yet. */
export function isUnclaimed({ epoch }: CrownSpec): boolean {
  return epoch < SEATS;
}

/** Takes a crown that nobody has claimed, at the API that it was founded at. */
export async function claim(kube: Kube, site: Omit<CrownSite, "seat">, at: string): Promise<void> {
  const crown = await kube.find({ resource: CROWNS, name: CROWN_NAME });
  if (!crown || !isUnclaimed(crown.spec) || site.kind === "cloud") return;
  const spec = founding({ ...site, seat: 1 }, 1, at);
  await kube.replace({ resource: CROWNS, name: CROWN_NAME }, { ...crown, spec });
  await open(kube, spec);
}

function founding(first: CrownSite, round: number, at: string): CrownSpec {
  const epoch = round * SEATS + first.seat;
  const { name: holder } = first;
  return { epoch, holder, sites: [first], history: [{ epoch, holder, at, how: "founded" }] };
}

/** A founded hub has nothing to unpack, and takes writes at once. */
async function open(kube: Kube, { epoch }: CrownSpec): Promise<void> {
  const ref = { resource: CROWNS, name: CROWN_NAME, subresource: "status" };
  await kube.patch(ref, { status: { phase: "Open", epoch } });
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

/** Whether it was not there before. */
async function createOnce(
  kube: Kube,
  resource: Resource,
  object: KubeObject,
  namespace?: string,
): Promise<boolean> {
  const place = { resource, ...(namespace !== undefined && { namespace }) };
  if (await kube.find({ ...place, name: object.metadata?.name ?? CONFIG_NAME })) return false;
  try {
    await kube.create(place, object);
    return true;
  } catch (error) {
    if (!(error instanceof KubeError) || error.code !== "KUBE_ALREADY_EXISTS") throw error;
    return false;
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

/** Of a create: what is there already stays. */
export async function unlessThere(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof KubeError) || error.code !== "KUBE_ALREADY_EXISTS") throw error;
  }
}
