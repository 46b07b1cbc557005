/** Federates types and objects: what a person has in files or at the hub becomes what shall be at every site. */
import { wrongUse } from "#base/errors.ts";
import { served } from "#control/federation/agent/install.ts";
import { CLUSTERS, DEFINITIONS, NAMESPACES, TYPE_CONFIGS } from "#control/federation/agent/resources.ts";
import { federate } from "#control/federation/api/federate.ts";
import { federatedTypeFor, isNamespace, type TargetType } from "#control/federation/api/enable.ts";
import type { FederatedResource, Placement } from "#control/federation/api/federated.ts";
import { SYSTEM_NAMESPACE } from "#control/federation/api/names.ts";
import { type FederatedTypeConfig, qualifiedName } from "#control/federation/api/type-config.ts";
import {
  type Applied,
  type Kube,
  KubeError,
  type KindInfo,
  type KubeObject,
  type ObjectRef,
} from "#ports/kube.ts";
import { readObjects } from "./object-files.ts";

/**
 * Makes a type federated. Errors: FEDERATION_TYPE_UNKNOWN.
 * @param name as kubectl takes it: plural, singular, kind, short name, `plural.group`
 * @param collectStatus brings each copy's own status to the hub; where false, it stays as it was
 */
export async function enableType(
  kube: Kube,
  name: string,
  collectStatus = false,
): Promise<{ readonly type: string; readonly federated: string }> {
  const target = await targetOf(kube, name);
  const { crd, typeConfig } = federatedTypeFor(target);
  const crdName = crd.metadata?.name ?? "";
  await put(kube, { resource: DEFINITIONS, name: crdName }, crd);
  const type = typeConfig.metadata?.name ?? "";
  const ref = { resource: TYPE_CONFIGS, namespace: SYSTEM_NAMESPACE, name: type };
  await served(async () => {
    const before = collectStatus ? "Enabled" : (await kube.find(ref))?.spec.statusCollection;
    const { spec } = typeConfig;
    const statusCollection = before ?? spec.statusCollection ?? "Disabled";
    await put(kube, ref, { ...typeConfig, spec: { ...spec, statusCollection } } as KubeObject);
  });
  const { federatedType } = typeConfig.spec;
  const resource = {
    group: federatedType.group ?? "",
    version: federatedType.version,
    plural: federatedType.pluralName,
  };
  await served(() => kube.list({ resource }));
  return { type, federated: federatedType.kind };
}

/** Where what is federated goes; what is there already keeps its place where nothing is said. */
export interface Where {
  readonly sites?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
}

export interface FederateOptions extends Where {
  /** Of objects that name none. */
  readonly namespace: string;
  /** Values files for Helm charts. */
  readonly values?: readonly string[];
}

/** Federates what files, kustomizations and charts hold: every object becomes its Federated<Kind>, at first placed on every site. */
export async function federateFiles(
  kube: Kube,
  files: readonly string[],
  options: FederateOptions,
): Promise<readonly string[]> {
  return federateAll(kube, await readObjects(files, options), options);
}

/** Federates an object that the hub has. */
export async function federateExisting(
  kube: Kube,
  type: string,
  name: string,
  options: FederateOptions,
): Promise<readonly string[]> {
  const target = await targetOf(kube, type);
  const place = target.namespaced ? { namespace: options.namespace } : {};
  const object = await kube.get({ resource: target, ...place, name });
  const { group, version, kind } = target;
  const apiVersion = group === "" ? version : `${group}/${version}`;
  return federateAll(kube, [{ ...object, apiVersion, kind }], options);
}

/** Nothing is written before all of it was looked at. */
async function federateAll(
  kube: Kube,
  objects: readonly KubeObject[],
  options: FederateOptions,
): Promise<readonly string[]> {
  const [configs, clusters] = await Promise.all([
    kube.list({ resource: TYPE_CONFIGS }),
    kube.list({ resource: CLUSTERS }),
  ]);
  refuseUnknownSites(
    options.sites ?? [],
    clusters.items.map(({ metadata }) => metadata?.name ?? ""),
  );
  // What is federated of a namespace lives in it.
  const namespaces = objects.filter((object) => isNamespaceObject(object));
  const ordered = [...namespaces, ...objects.filter((one) => !namespaces.includes(one))];
  const wrapped = ordered.map((object) => wrap(object, configOf(configs.items, object), options.namespace));
  for (const { metadata } of namespaces) await ensureNamespace(kube, metadata?.name ?? "");
  for (const { ref, resource } of wrapped) await putPlaced(kube, ref, resource, options);
  return wrapped.map(({ ref: { namespace, name }, resource: { kind } }) =>
    [kind, namespace === undefined ? name : `${namespace}/${name}`].join(" "),
  );
}

/** A federated resource, and where it is at the hub. */
export interface Wrapped {
  readonly ref: ObjectRef<FederatedResource>;
  readonly resource: FederatedResource;
}

/** An object as its federated resource, placed on every site. */
export function wrap(object: KubeObject, { spec }: FederatedTypeConfig, namespace: string): Wrapped {
  const { targetType, federatedType } = spec;
  const { group = "", version, kind, pluralName: plural, scope } = targetType;
  const target = { group, version, kind, plural, namespaced: scope === "Namespaced" };
  const { metadata } = object;
  const placed = { ...object, metadata: { ...metadata, namespace: metadata?.namespace ?? namespace } };
  const resource = federate(target.namespaced ? placed : object, target, federatedType.group);
  const { name = "", namespace: place } = resource.metadata ?? {};
  const { group: federatedGroup = "", version: federatedVersion, pluralName } = federatedType;
  const as = { group: federatedGroup, version: federatedVersion, plural: pluralName };
  return { ref: { resource: as, name, ...(place !== undefined && { namespace: place }) }, resource };
}

async function putPlaced(
  kube: Kube,
  ref: ObjectRef<FederatedResource>,
  resource: FederatedResource,
  where: Where,
): Promise<void> {
  const before = await kube.find(ref);
  const placement = placementOf(where) ?? before?.spec?.placement ?? resource.spec?.placement;
  await put(kube, ref, { ...resource, spec: { ...resource.spec, placement } } as KubeObject);
}

/** Undefined where nothing is said. */
export function placementOf({ sites, labels }: Where): Placement | undefined {
  if (sites) return { clusters: sites.map((name) => ({ name })) };
  return labels && { clusterSelector: { matchLabels: labels } };
}

function refuseUnknownSites(wanted: readonly string[], known: readonly string[]): void {
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw wrongUse(
    "FEDERATION_SITE_UNKNOWN",
    `the federation has no site ${unknown.join(", ")}`,
    `Its sites are ${known.join(", ")}.`,
  );
}

function isNamespaceObject({ apiVersion, kind }: KubeObject): boolean {
  return apiVersion === "v1" && kind === "Namespace";
}

/** At the hub itself, because what is federated of a namespace lives in it. */
export async function ensureNamespace(kube: Kube, name: string): Promise<void> {
  if (await kube.find({ resource: NAMESPACES, name })) return;
  try {
    await kube.create({ resource: NAMESPACES }, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  } catch (error) {
    if (!(error instanceof KubeError) || error.code !== "KUBE_ALREADY_EXISTS") throw error;
  }
}

function configOf(configs: readonly FederatedTypeConfig[], object: KubeObject): FederatedTypeConfig {
  const { apiVersion = "", kind = "" } = object;
  const group = apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";
  const config = configs.find(
    ({ spec: { targetType } }) => targetType.kind === kind && (targetType.group ?? "") === group,
  );
  if (config) return config;
  throw wrongUse(
    "FEDERATION_TYPE_NOT_ENABLED",
    `${kind || "an object without a kind"} (${apiVersion || "no apiVersion"}) is no federated type`,
    kind
      ? `Enable it: panopticon federate enable ${qualifiedName(kind.toLowerCase(), group)}`
      : "Name its kind.",
  );
}

async function targetOf(kube: Kube, wanted: string): Promise<TargetType> {
  const { kinds } = await kube.discover();
  const word = wanted.toLowerCase();
  const names = ({ plural, singular, kind, shortNames, group }: KindInfo): readonly string[] => {
    const words = [plural, singular, kind.toLowerCase(), ...shortNames];
    return [...words, ...words.map((one) => qualifiedName(one, group))];
  };
  const one = kinds.find(
    (kind) =>
      names(kind).includes(word) &&
      ["list", "watch", "patch", "delete"].every((verb) => kind.verbs.includes(verb)),
  );
  if (!one)
    throw wrongUse(
      "FEDERATION_TYPE_UNKNOWN",
      `the hub has no type "${wanted}" that can be kept at sites`,
      "Name it as kubectl does, such as deployments.apps; a CRD has to be in the hub first.",
    );
  const { group, version, kind, plural, namespaced, subresources, shortNames } = one;
  const builtIn = isNamespace({ group, plural });
  return {
    group,
    version,
    kind,
    plural,
    namespaced,
    shortNames,
    ...(!builtIn && { scalable: subresources.includes("scale") }),
  };
}

async function put(
  kube: Kube,
  ref: {
    readonly resource: { readonly group: string; readonly version: string; readonly plural: string };
    readonly namespace?: string;
    readonly name: string;
  },
  object: KubeObject,
): Promise<void> {
  await kube.apply(ref, object as Applied<KubeObject>, { fieldManager: "panopticon-cli" });
}
