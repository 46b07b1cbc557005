/** The writes that bring one object at the site to what is wanted. */
import { keyOf } from "#control/runtime/cache.ts";
import { type Applied, type Kube, KubeError, type KubeObject, type ObjectRef } from "#ports/kube.ts";
import { isNamespace } from "../api/enable.ts";
import { APPLIED_ANNOTATION, MANAGED_LABEL } from "../api/names.ts";
import { type FederatedTypeConfig, resourceOf } from "../api/type-config.ts";
import type { JsonObject } from "../json.ts";
import type { Present } from "../place/desired.ts";
import { splitKey } from "./resources.ts";

/** Owns the fields that the federation wants at a site. */
const MANAGER = { fieldManager: "panopticon-federation" };

/** Where an object of this type is at the site. */
export function refOf({ spec }: FederatedTypeConfig, { metadata }: KubeObject): ObjectRef {
  const namespaced = spec.targetType.scope === "Namespaced";
  return {
    resource: resourceOf(spec.targetType),
    ...(namespaced && { namespace: metadata?.namespace ?? "" }),
    name: metadata?.name ?? "",
  };
}

/** Where the copy of the federated resource of this key is at the site. */
export function copyRef(config: FederatedTypeConfig, key: string): ObjectRef {
  const { namespace, name } = splitKey(targetKey(config, key));
  return refOf(config, { metadata: { name, namespace } });
}

/** Applies it, and takes away what an override wants gone; gives the object as it then is. */
export async function applyPresent(
  kube: Kube,
  ref: ObjectRef,
  { object, removals }: Present,
  observed: KubeObject | undefined,
  signal: AbortSignal,
): Promise<KubeObject> {
  const answer = await kube.apply(ref, object as Applied<KubeObject>, { ...MANAGER, signal });
  if (removals.length === 0) return answer;
  return kube.patch(ref, { metadata: withoutThese(removals, observed) }, { ...MANAGER, signal });
}

/**
 * Makes it by one request where there is nothing yet; undefined where the API
 * refuses it, as it does where an object is there of which somebody else owns
 * what we want otherwise: then it has to be looked at first.
 */
export async function applyFresh(
  kube: Kube,
  ref: ObjectRef,
  { object, removals }: Present,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  if (removals.length > 0) return undefined;
  try {
    return await kube.apply(ref, object as Applied<KubeObject>, { ...MANAGER, force: false, signal });
  } catch (error) {
    if (error instanceof KubeError && error.status > 0) return undefined;
    throw error;
  }
}

/** A merge patch of metadata that removes what JSON pointers name. */
function withoutThese(removals: readonly string[], observed: KubeObject | undefined): object {
  const names = (field: string): readonly string[] =>
    removals
      .filter((pointer) => pointer.startsWith(`/metadata/${field}/`))
      .map((pointer) => (pointer.split("/")[3] ?? "").replaceAll("~1", "/").replaceAll("~0", "~"));
  const annotations = Object.fromEntries(names("annotations").map((name) => [name, null]));
  const gone = names("finalizers");
  const finalizers = (observed?.metadata?.finalizers ?? []).filter((one) => !gone.includes(one));
  return { annotations, ...(gone.length > 0 && { finalizers }) };
}

/**
 * Whether the API refuses what the object says, so that only another content
 * helps. What does not fit its type's schema at all is refused by server-side
 * apply as an error of its own (HTTP 500), which has no reason but its words.
 */
export function isAboutContent({ status, problems }: KubeError): boolean {
  if (status === 500) return problems[0]?.message.includes("failed to create typed patch object") === true;
  return [400, 403, 405, 413, 415, 422].includes(status);
}

/** The object stays at the site and is nobody's. */
export async function release(kube: Kube, ref: ObjectRef, signal: AbortSignal): Promise<void> {
  const metadata = { labels: { [MANAGED_LABEL]: null }, annotations: { [APPLIED_ANNOTATION]: null } };
  await kube.patch(ref, { metadata }, { ...MANAGER, signal });
}

export function isNamespaceConfig({ spec: { targetType } }: FederatedTypeConfig): boolean {
  return isNamespace({ group: targetType.group ?? "", plural: targetType.pluralName });
}

/** A FederatedNamespace lives in the namespace that it is about. */
export function federatedKey(object: KubeObject, plural: string, group: string | undefined): string {
  const key = keyOf(object);
  return isNamespace({ group: group ?? "", plural }) ? `${key}/${key}` : key;
}

/** The key of its copy at the site. */
export function targetKey(config: FederatedTypeConfig, key: string): string {
  return isNamespaceConfig(config) ? splitKey(key).name : key;
}

/** What the site says of the copy, where the type's config wants it told. */
export function remoteStatusOf(
  { spec }: FederatedTypeConfig,
  copy: KubeObject | undefined,
): { readonly remoteStatus?: JsonObject; readonly remoteGeneration?: number } {
  const { status } = (copy ?? {}) as { readonly status?: JsonObject };
  if (spec.statusCollection !== "Enabled") return {};
  const generation = copy?.metadata?.generation;
  return {
    ...(status && { remoteStatus: status }),
    ...(generation !== undefined && { remoteGeneration: generation }),
  };
}
