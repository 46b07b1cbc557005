/** What a person does with a federation: begins one, federates types and objects, looks at sites and conflicts. */
import { readFile } from "node:fs/promises";
import { parseAllDocuments } from "yaml";
import { PanopticonError, wrongUse } from "#base/errors.ts";
import { found, installResources, isUnclaimed, served } from "#control/federation/agent/install.ts";
import { readyIn } from "#control/federation/agent/readiness-controller.ts";
import {
  BRAKES,
  CLUSTERS,
  CONFLICTS,
  CROWNS,
  DEFINITIONS,
  TYPE_CONFIGS,
} from "#control/federation/agent/resources.ts";
import type { Conflict } from "#control/federation/api/conflict.ts";
import type { Crown, CrownSite } from "#control/federation/api/crown.ts";
import { federate } from "#control/federation/api/federate.ts";
import { federatedTypeFor, isNamespace, type TargetType } from "#control/federation/api/enable.ts";
import { CROWN_NAME, FEDERATION_GROUP, SYSTEM_NAMESPACE } from "#control/federation/api/names.ts";
import { type FederatedTypeConfig, qualifiedName } from "#control/federation/api/type-config.ts";
import type { Applied, Kube, KindInfo, KubeObject } from "#ports/kube.ts";

/**
 * Makes an API the hub of a new federation; what is there already stays.
 * @param site its `name` may be left to the first agent that runs with this API as its own
 */
export async function initFederation(
  kube: Kube,
  site: { readonly name: string | undefined; readonly endpoint: string; readonly authority?: string },
): Promise<{ readonly holder: string | undefined; readonly epoch: number }> {
  await installResources(kube);
  const first = {
    kind: "on-prem",
    endpoints: [site.endpoint],
    ...(site.authority !== undefined && { caBundle: Buffer.from(site.authority).toString("base64") }),
  } as const;
  await found(kube, first, site.name, new Date().toISOString());
  const { spec } = await crownOf(kube);
  return { holder: isUnclaimed(spec) ? undefined : spec.holder, epoch: spec.epoch };
}

/** FEDERATION_NONE (exit 2) where the API is no site of a federation. */
export async function crownOf(kube: Kube): Promise<Crown> {
  const crown = await kube.find({ resource: CROWNS, name: CROWN_NAME });
  if (crown) return crown;
  throw wrongUse(
    "FEDERATION_NONE",
    "This cluster is no site of a federation: it has no crown.",
    "Begin one: panopticon federate init --site NAME. Or name another --context.",
  );
}

/**
 * Makes a type federated. Errors: FEDERATION_TYPE_UNKNOWN.
 * @param name as kubectl takes it: plural, singular, kind, short name, `plural.group`
 */
export async function enableType(
  kube: Kube,
  name: string,
): Promise<{ readonly type: string; readonly federated: string }> {
  const target = await targetOf(kube, name);
  const { crd, typeConfig } = federatedTypeFor(target);
  const crdName = crd.metadata?.name ?? "";
  await put(kube, { resource: DEFINITIONS, name: crdName }, crd);
  const type = typeConfig.metadata?.name ?? "";
  await served(() =>
    put(kube, { resource: TYPE_CONFIGS, namespace: SYSTEM_NAMESPACE, name: type }, typeConfig),
  );
  const { federatedType } = typeConfig.spec;
  const resource = {
    group: federatedType.group ?? "",
    version: federatedType.version,
    plural: federatedType.pluralName,
  };
  await served(() => kube.list({ resource }));
  return { type, federated: federatedType.kind };
}

/** Federates what files hold: every object becomes its Federated<Kind>, placed on every site. */
export async function federateFiles(
  kube: Kube,
  files: readonly string[],
  namespace: string,
): Promise<readonly string[]> {
  const texts = await Promise.all(files.map((file) => readOrRefuse(file)));
  const objects = texts.flatMap((text) =>
    parseAllDocuments(text).map((document) => document.toJS() as KubeObject | null),
  );
  return federateAll(
    kube,
    objects.filter((one) => one !== null),
    namespace,
  );
}

/** Federates an object that the hub has. */
export async function federateExisting(
  kube: Kube,
  type: string,
  name: string,
  namespace: string,
): Promise<readonly string[]> {
  const target = await targetOf(kube, type);
  const place = target.namespaced ? { namespace } : {};
  const object = await kube.get({ resource: target, ...place, name });
  const { group, version, kind } = target;
  const apiVersion = group === "" ? version : `${group}/${version}`;
  return federateAll(kube, [{ ...object, apiVersion, kind }], namespace);
}

async function federateAll(
  kube: Kube,
  objects: readonly KubeObject[],
  namespace: string,
): Promise<readonly string[]> {
  const configs = (await kube.list({ resource: TYPE_CONFIGS })).items;
  const done: string[] = [];
  for (const object of objects) {
    const config = configOf(configs, object);
    const { targetType, federatedType } = config.spec;
    const { group = "", version, kind, pluralName: plural, scope } = targetType;
    const target = { group, version, kind, plural, namespaced: scope === "Namespaced" };
    const placed = target.namespaced
      ? { ...object, metadata: { ...object.metadata, namespace: object.metadata?.namespace ?? namespace } }
      : object;
    const resource = federate(placed, target, federatedType.group);
    const place =
      resource.metadata?.namespace === undefined ? {} : { namespace: resource.metadata.namespace };
    const name = resource.metadata?.name ?? "";
    const as = {
      group: federatedType.group ?? "",
      version: federatedType.version,
      plural: federatedType.pluralName,
    };
    await put(kube, { resource: as, ...place, name }, resource);
    done.push(`${federatedType.kind} ${place.namespace ? `${place.namespace}/` : ""}${name}`);
  }
  return done;
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

async function readOrRefuse(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw wrongUse(
      missing ? "CLI_FILE_MISSING" : "CLI_FILE_UNREADABLE",
      `${file} ${missing ? "does not exist" : "can't be read"}.`,
      "Name a YAML or JSON file, or a type and a name.",
    );
  }
}

export interface SiteLine {
  readonly name: string;
  readonly kind: CrownSite["kind"];
  readonly seat: number;
  readonly crowned: boolean;
  /** Undefined where its agent was never heard. */
  readonly ready: boolean | undefined;
  readonly message: string;
}

/** The hub's view of every site. */
export async function listSites(kube: Kube): Promise<readonly SiteLine[]> {
  const { spec } = await crownOf(kube);
  const clusters = (await kube.list({ resource: CLUSTERS, namespace: SYSTEM_NAMESPACE })).items;
  return spec.sites.map(({ name, kind, seat }) => {
    const cluster = clusters.find(({ metadata }) => metadata?.name === name);
    const ready = cluster && readyIn(cluster);
    const message = cluster?.status?.conditions[0]?.message ?? "its agent has not registered yet";
    return { name, kind, seat, crowned: spec.holder === name, ready, message };
  });
}

export async function listConflicts(kube: Kube): Promise<readonly Conflict[]> {
  await crownOf(kube);
  return (await kube.list({ resource: CONFLICTS })).items;
}

/** Decides a conflict; FEDERATION_CONFLICT_DECIDED where that was done before otherwise. */
export async function decideConflict(
  kube: Kube,
  name: string,
  resolution: "Apply" | "Discard",
): Promise<void> {
  const ref = { resource: CONFLICTS, name };
  const { spec } = await kube.get(ref);
  if (spec.resolution === resolution) return;
  if (spec.resolution !== undefined)
    throw new PanopticonError(
      [{ code: "FEDERATION_CONFLICT_DECIDED", message: `conflict ${name} was decided: ${spec.resolution}` }],
      1,
    );
  await kube.patch(ref, { spec: { resolution } });
}

/** Lets go exactly the deletions of a token; FEDERATION_TOKEN_OLD where others are held by now. */
export async function releaseBrake(site: Kube, name: string, token: string): Promise<number> {
  const ref = { resource: BRAKES, name };
  const brake = await site.find(ref);
  const held = brake?.status?.held ?? 0;
  if (!brake || held === 0 || brake.status?.token !== token)
    throw new PanopticonError(
      [
        {
          code: "FEDERATION_TOKEN_OLD",
          message:
            held === 0
              ? `nothing is held back at ${name}`
              : `${token} is not what is held back at ${name} now`,
          hint:
            held === 0
              ? "See what there is: panopticon site list"
              : `Look again; the token is ${brake?.status?.token}`,
        },
      ],
      1,
    );
  const head = { apiVersion: `${FEDERATION_GROUP}/v1`, kind: "DeleteBrake", metadata: { name } };
  await site.apply(ref, { ...head, spec: { release: token } } as Applied<KubeObject>, {
    fieldManager: "panopticon-cli",
  });
  return held;
}
