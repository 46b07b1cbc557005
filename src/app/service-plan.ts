/** What deploying a service would change at the hub, and at which sites in which order. Writes nothing. */
import { stableJson } from "#base/hash.ts";
import { NAMESPACES, TYPE_CONFIGS } from "#control/federation/agent/resources.ts";
import type { FederatedResource, Placement } from "#control/federation/api/federated.ts";
import type { ReplicaSchedulingPreference } from "#control/federation/api/preference.ts";
import type { FederatedTypeConfig } from "#control/federation/api/type-config.ts";
import { at } from "#control/federation/json.ts";
import { type FieldChange, fieldChanges } from "#lifecycle/service/changes.ts";
import { isWorkload, type Part, partName, placedOn, rolloutOrder } from "#lifecycle/service/part.ts";
import { finished } from "#lifecycle/service/stage.ts";
import type { ServiceFile } from "#model/service/parse.ts";
import type { Service } from "#model/service/service.ts";
import type { Kube } from "#ports/kube.ts";
import { MANAGED_BY, MANAGED_BY_LABEL, type Manifest, NAME_LABEL } from "#render/service/manifest.ts";
import { serviceObjects } from "#render/service/objects.ts";
import { placementOf, wrap } from "./federate.ts";
import {
  byService,
  isOwn,
  knowsPanels,
  type KnownSite,
  knownSites,
  ownParts,
  ownPreferences,
  ownTypeConfig,
  typeName,
} from "./service-hub.ts";
import {
  nowhere,
  refused,
  refuseElsewhere,
  refuseTakenHosts,
  refuseUnknownSites,
} from "./service-refusals.ts";

const NO_PANELS =
  "its panels get no route: the hub does not know HTTPRoute (Gateway API, gateway.networking.k8s.io/v1)";

export interface ServicePlan {
  readonly service: Service;
  readonly parts: readonly Part[];
  readonly preference: Manifest | undefined;
  /** Whether the hub's preference is another, or there is one and none is wanted. */
  readonly preferenceChanges: boolean;
  /** Whether the hub's preference chooses other sites than this version does: meanwhile it must not move replicas. */
  readonly preferenceStops: boolean;
  /** What an earlier version had and this one has not. */
  readonly leftovers: readonly Part[];
  readonly clusters: readonly KnownSite[];
  /** Sites in the order in which they get it. */
  readonly order: readonly string[];
  /** Types that have to be federated first, or whose status has to be collected. */
  readonly enable: readonly { readonly type: string; readonly collectStatus: boolean }[];
  readonly changes: readonly ObjectChange[];
  /** What a person should know; nothing that keeps it from being deployed. */
  readonly notes: readonly string[];
}

export interface ObjectChange {
  /** Such as `Deployment shop`. */
  readonly object: string;
  readonly action: "create" | "change" | "remove" | "same";
  /** Of the template, where it changes. */
  readonly fields: readonly FieldChange[];
}

/**
 * Errors: SERVICE_ELSEWHERE, SERVICE_HOST_TAKEN, SERVICE_NOT_OURS,
 * SERVICE_NOWHERE, SERVICE_SITE_UNKNOWN (exit 1), each with its place in the file.
 */
export async function planService(hub: Kube, file: ServiceFile): Promise<ServicePlan> {
  const { service } = file;
  const [configs, clusters, all, preferences, canPanels] = await Promise.all([
    hub.list({ resource: TYPE_CONFIGS }),
    knownSites(hub),
    ownParts(hub),
    ownPreferences(hub, service.name),
    service.panels.length === 0 || knowsPanels(hub),
  ]);
  refuseUnknownSites(file, clusters);
  const own = byService(all).get(service.name) ?? [];
  refuseElsewhere(file, own);
  refuseTakenHosts(file, all);
  const { objects, preference } = serviceObjects(canPanels ? service : { ...service, panels: [] });
  const configOf = (kind: string) => configFor(kind, configs.items);
  const wanted = objects.map((object) => partOf(object, service, configOf(object.kind)));
  const placement = wanted.find(isWorkload)?.resource.spec?.placement ?? {};
  const order = rolloutOrder(placement, clusters);
  if (order.length === 0) throw nowhere(file, clusters);
  const found: readonly Found[] = await Promise.all(
    wanted.map(async (part) => ({ part, before: await hub.find(part.ref) })),
  );
  const parts = found.flatMap(({ part, before }) => keptPart(part, before, file, all));
  const leftovers = own.filter((one) => !parts.some((part) => partName(part) === partName(one)));
  const befores = new Map(found.map(({ part, before }) => [partName(part), before]));
  const [there] = preferences;
  return {
    service,
    parts,
    preference,
    preferenceChanges: differs(there?.spec, preference?.["spec"]),
    preferenceStops: there !== undefined && choosesOtherwise(there, preference, placement, own),
    leftovers,
    clusters,
    order,
    enable: missingTypes(objects, configs.items),
    changes: [
      ...parts.map((part) => changeOf(part, befores.get(partName(part)), preference !== undefined)),
      ...leftovers.map((part) => removal(part)),
    ],
    notes: [
      ...namespaceNotes(found, order, clusters),
      ...(await secretNotes(hub, service)),
      ...(canPanels ? [] : [NO_PANELS]),
    ],
  };
}

function configFor(kind: string, configs: readonly FederatedTypeConfig[]): FederatedTypeConfig {
  const made = ownTypeConfig(kind);
  if (!made) throw new Error(`services have no ${kind}`);
  return configs.find(({ metadata }) => metadata?.name === made.metadata?.name) ?? made;
}

function missingTypes(
  objects: readonly Manifest[],
  configs: readonly FederatedTypeConfig[],
): ServicePlan["enable"] {
  return [...new Set(objects.map(({ kind }) => kind))].flatMap((kind) => {
    const config = configs.find(({ metadata }) => metadata?.name === ownTypeConfig(kind)?.metadata?.name);
    const collectStatus = ["Deployment", "StatefulSet"].includes(kind);
    const enough = config && (!collectStatus || config.spec.statusCollection === "Enabled");
    return enough ? [] : [{ type: typeName(configFor(kind, configs)), collectStatus }];
  });
}

function partOf(object: Manifest, service: Service, config: FederatedTypeConfig): Part {
  const { ref, resource } = wrap(object, config, service.namespace);
  const placement = wantedPlacement(service) ?? resource.spec?.placement;
  const labels = {
    [MANAGED_BY_LABEL]: MANAGED_BY,
    ...(object.kind !== "Namespace" && { [NAME_LABEL]: service.name }),
  };
  const metadata = { ...resource.metadata, labels };
  return {
    ref,
    resource: { ...resource, metadata, spec: { ...resource.spec, ...(placement && { placement }) } },
  };
}

function wantedPlacement({ placement }: Service): Placement | undefined {
  return placement.kind === "everywhere" ? undefined : placementOf(placement);
}

/** The part, or none where somebody else looks after the namespace. A namespace goes wherever one of its services does. */
function keptPart(
  part: Part,
  before: FederatedResource | undefined,
  file: ServiceFile,
  all: readonly Part[],
): readonly Part[] {
  const { service } = file;
  const isNamespace = part.resource.kind === "FederatedNamespace";
  if (before && !isOwn(before)) {
    if (isNamespace) return [];
    throw refused(
      file,
      "name",
      "SERVICE_NOT_OURS",
      `the hub has a ${part.resource.kind} ${service.namespace}/${service.name} that no service made`,
      "Choose another name, or delete it first.",
    );
  }
  const shared = all.some(
    ({ resource: { metadata } }) =>
      metadata?.namespace === service.namespace && metadata.labels?.[NAME_LABEL] !== service.name,
  );
  if (!isNamespace || !before || !shared) return [part];
  const placement = together(before.spec?.placement, part.resource.spec?.placement);
  return [{ ...part, resource: { ...part.resource, spec: { ...part.resource.spec, placement } } }];
}

/** A placement that covers both. */
function together(one: Placement | undefined, other: Placement | undefined): Placement {
  if (stableJson(one) === stableJson(other)) return one ?? {};
  const [first, second] = [one?.clusters, other?.clusters];
  if (!first || !second) return { clusterSelector: { matchLabels: {} } };
  const names = [...new Set([...first, ...second].map(({ name }) => name))].toSorted();
  return { clusters: names.map((name) => ({ name })) };
}

function changeOf(part: Part, before: FederatedResource | undefined, spread: boolean): ObjectChange {
  const object = partName(part);
  const same = before !== undefined && finished(before, part.resource, { spread }) === before;
  if (!before) return { object, action: "create", fields: [] };
  const fields = fieldChanges(before.spec?.template, part.resource.spec?.template);
  return { object, action: same ? "same" : "change", fields };
}

function removal(part: Part): ObjectChange {
  return { object: partName(part), action: "remove", fields: [] };
}

function differs(one: unknown, other: unknown): boolean {
  return stableJson(one ?? null) !== stableJson(other ?? null);
}

function choosesOtherwise(
  { spec }: ReplicaSchedulingPreference,
  wanted: Manifest | undefined,
  placement: Placement,
  own: readonly Part[],
): boolean {
  const next = wanted?.["spec"] as ReplicaSchedulingPreference["spec"] | undefined;
  if (!next || differs({ ...spec, totalReplicas: 0 }, { ...next, totalReplicas: 0 })) return true;
  const before = own.find(isWorkload)?.resource.spec?.placement;
  return differs(before?.clusterSelector, placement.clusterSelector);
}

interface Found {
  readonly part: Part;
  readonly before: FederatedResource | undefined;
}

/** A namespace that somebody else federates decides where its services can go. */
function namespaceNotes(
  found: readonly Found[],
  order: readonly string[],
  clusters: readonly KnownSite[],
): readonly string[] {
  const space = found.find(({ part }) => part.resource.kind === "FederatedNamespace")?.before;
  if (!space || isOwn(space)) return [];
  const there = placedOn(space, clusters);
  const away = order.filter((site) => !there.includes(site));
  const name = space.metadata?.name ?? "";
  return away.length > 0
    ? [
        `the namespace ${name} is federated by itself, and not to ${away.join(", ")}: the service can't go there`,
      ]
    : [];
}

/** Secrets that no site would have: the pods would wait for them. */
async function secretNotes(
  hub: Kube,
  { namespace, secrets, pullSecret }: Service,
): Promise<readonly string[]> {
  const wanted = [
    ...Object.values(secrets).map(({ secret }) => secret),
    ...(pullSecret === undefined ? [] : [pullSecret]),
  ];
  const resource = { group: "types.kubefed.io", version: "v1beta1", plural: "federatedsecrets" };
  const checked = [...new Set(wanted)].map(async (name) => {
    const there = await hub.find({ resource, namespace, name }).catch(() => undefined);
    return there
      ? []
      : [
          `the Secret ${namespace}/${name} is not federated: each site has to have it, or its pods wait for it`,
        ];
  });
  const space = await hub.find({ resource: NAMESPACES, name: namespace });
  const terminating = at(space, "status", "phase") === "Terminating";
  return [
    ...(await Promise.all(checked)).flat(),
    ...(terminating ? [`the namespace ${namespace} is being deleted at the hub`] : []),
  ];
}
