/** The objects of the load: config maps with one value, placed on the members by name. */
import type { Kube, KubeObject, Resource } from "#ports/kube.ts";

export const SPACE = "shop";
const TYPES = { group: "types.kubefed.io", version: "v1beta1" };
export const FEDERATED_MAPS: Resource = { ...TYPES, plural: "federatedconfigmaps" };
export const FEDERATED_NAMESPACES: Resource = { ...TYPES, plural: "federatednamespaces" };
export const MAPS: Resource<ConfigMap> = { group: "", version: "v1", plural: "configmaps" };

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** Requests under way at once. */
const PARALLEL = 32;

export function namesOf(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
}

export const copyOf = (name: string) => ({ resource: MAPS, namespace: SPACE, name });
const sourceOf = (name: string) => ({ resource: FEDERATED_MAPS, namespace: SPACE, name });

/** What is done to an object at the hub; its copies then have `value`, or are gone where it is undefined. */
export interface Operation {
  readonly verb: "create" | "update" | "delete";
  readonly value: string | undefined;
}

export const CREATE: Operation = { verb: "create", value: "1" };
export const UPDATE: Operation = { verb: "update", value: "2" };
export const DELETE: Operation = { verb: "delete", value: undefined };

export async function carryOut(
  kube: Kube,
  { verb, value }: Operation,
  name: string,
  sites: readonly string[],
): Promise<void> {
  if (verb === "delete") await kube.delete(sourceOf(name));
  else if (verb === "update") await kube.patch(sourceOf(name), { spec: { template: { data: { value } } } });
  else {
    const placement = { clusters: sites.map((site) => ({ name: site })) };
    const spec = { template: { data: { value } }, placement };
    const metadata = { name, namespace: SPACE };
    const head = { apiVersion: "types.kubefed.io/v1beta1", kind: "FederatedConfigMap", metadata };
    await kube.create({ resource: FEDERATED_MAPS, namespace: SPACE }, { ...head, spec } as KubeObject);
  }
}

/** Does it for each, so many at once as a busy tool would. */
export async function forEach(
  names: readonly string[],
  action: (name: string) => Promise<unknown>,
): Promise<void> {
  const left = names.values();
  const worker = async (): Promise<void> => {
    for (const name of left) await action(name);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}
