/** The federation at a glance, from whatever sites answer. */
import { wrongUse } from "#base/errors.ts";
import { readyIn } from "#control/federation/agent/readiness-controller.ts";
import {
  BRAKES,
  CLUSTERS,
  CONFLICTS,
  CROWNS,
  federatedKindOf,
  kindName,
  TYPE_CONFIGS,
} from "#control/federation/agent/resources.ts";
import type { Crown, CrownSite } from "#control/federation/api/crown.ts";
import type { FederatedResource } from "#control/federation/api/federated.ts";
import { CROWN_NAME, SYSTEM_NAMESPACE } from "#control/federation/api/names.ts";
import { type FederatedTypeConfig, qualifiedName } from "#control/federation/api/type-config.ts";
import { type Kube, KubeError } from "#ports/kube.ts";
import { listServices, type ServiceState } from "./service-state.ts";
import { type NameGlance, namesGlance } from "./status-names.ts";

const ANSWER = { timeoutSeconds: 5 };

export interface HeldDeletions {
  readonly count: number;
  /** Of how many objects that the federation keeps there. */
  readonly of: number;
  readonly token: string;
  readonly examples: readonly string[];
}

export interface SiteGlance {
  readonly name: string;
  readonly kind: CrownSite["kind"];
  readonly crowned: boolean;
  /** By the hub's word; undefined where it has none, or can't be asked. */
  readonly ready: boolean | undefined;
  readonly message: string;
  /** Of its own crown; undefined where it does not answer here. */
  readonly epoch: number | undefined;
  readonly held?: HeldDeletions;
}

export interface TypeGlance {
  /** `deployments.apps`. */
  readonly type: string;
  readonly objects: number;
  readonly notPropagated: number;
}

export interface NotPropagated {
  readonly type: string;
  /** `namespace/name`, or the name. */
  readonly object: string;
  readonly reason: string;
  readonly message: string;
}

export interface FederationStatus {
  readonly crown: string;
  readonly epoch: number;
  /** Where a move is under way. */
  readonly movingTo?: string;
  /** Whether the crown's holder answers here; without it nothing is known of objects and conflicts. */
  readonly hub: "answers" | "does not answer";
  readonly sites: readonly SiteGlance[];
  readonly services: readonly ServiceState[];
  /** Of the services. */
  readonly names: readonly NameGlance[];
  /** Types that have objects. */
  readonly types: readonly TypeGlance[];
  readonly objects: number;
  readonly notPropagated: readonly NotPropagated[];
  /** Names of conflicts that nobody has decided. */
  readonly conflicts: readonly string[];
  readonly well: boolean;
}

/** How the sites of a kubeconfig are reached. */
export interface Reach {
  /** Of the context that was asked for. */
  readonly kube: Kube;
  readonly context: string;
  readonly names: readonly string[];
  readonly site: (name: string) => Kube | undefined;
}

/** Errors: FEDERATION_NONE where the context is of no federation; KUBE_… where it does not answer, nor a site that knows it. */
export async function federationStatus(reach: Reach): Promise<FederationStatus> {
  const first = await firstCrown(reach);
  const words = await crownsOf(first, reach);
  const newest = [...words.values()].reduce(
    (best, { crown }) => (crown.spec.epoch > best.spec.epoch ? crown : best),
    first,
  );
  const { holder, epoch, frozen, sites } = newest.spec;
  const hub = words.get(holder)?.kube;
  const seen = hub && (await hubGlance(hub));
  const glances = await Promise.all(
    sites.map((site) => siteGlance(site, holder, words.get(site.name), seen?.ready)),
  );
  const { types = [], notPropagated = [], conflicts = [] } = seen ?? {};
  const services = hub ? await listServices(hub) : [];
  const hosts = services.flatMap((service) => service.hosts);
  const calm = glances.every((site) => site.ready !== false && !site.held);
  return {
    crown: holder,
    epoch,
    ...(frozen && { movingTo: frozen.to }),
    hub: hub ? "answers" : "does not answer",
    sites: glances,
    services,
    names: await namesGlance(
      hosts,
      sites.map(({ name }) => name),
    ),
    types: types.filter(({ objects }) => objects > 0),
    objects: types.reduce((sum, { objects }) => sum + objects, 0),
    notPropagated,
    conflicts,
    well: hub !== undefined && calm && notPropagated.length === 0 && conflicts.length === 0,
  };
}

interface Word {
  readonly kube: Kube;
  readonly crown: Crown;
}

/** By the context that was asked for; where it is away, by a site that counts it as one of its own. */
async function firstCrown({ kube, context, names, site }: Reach): Promise<Crown> {
  try {
    const crown = await crownAt(kube);
    if (crown) return crown;
  } catch (error) {
    if (!(error instanceof KubeError) || error.status !== 0) throw error;
    for (const name of names) {
      const other = site(name);
      const crown = other && (await crownAt(other).catch(ignoreKube));
      if (crown?.spec.sites.some((one) => one.name === context)) return crown;
    }
    throw error;
  }
  throw wrongUse(
    "FEDERATION_NONE",
    "This cluster is no site of a federation: it has no crown.",
    "Begin one: panopticon federate init --site NAME. Or name another --context.",
  );
}

/** The crown as every site has it that the kubeconfig leads to; sites that don't answer are left out. */
async function crownsOf({ spec }: Crown, { site }: Reach): Promise<ReadonlyMap<string, Word>> {
  const asked = spec.sites.map(async ({ name }) => {
    const kube = site(name);
    const crown = kube && (await crownAt(kube).catch(ignoreKube));
    return kube && crown ? ([[name, { kube, crown }]] as const) : [];
  });
  return new Map((await Promise.all(asked)).flat());
}

interface HubGlance {
  /** By site, what the hub says of it. */
  readonly ready: ReadonlyMap<string, { readonly ready: boolean | undefined; readonly message: string }>;
  readonly types: readonly TypeGlance[];
  readonly notPropagated: readonly NotPropagated[];
  readonly conflicts: readonly string[];
}

async function hubGlance(hub: Kube): Promise<HubGlance> {
  const [clusters, configs, conflicts] = await Promise.all([
    hub.list({ resource: CLUSTERS, namespace: SYSTEM_NAMESPACE }),
    hub.list({ resource: TYPE_CONFIGS, namespace: SYSTEM_NAMESPACE }),
    hub.list({ resource: CONFLICTS }),
  ]);
  const seen: { type: TypeGlance; wrong: readonly NotPropagated[] }[] = [];
  // One type after the other: a large federation is never in memory whole.
  for (const config of configs.items) seen.push(await typeGlance(hub, config));
  return {
    ready: new Map(
      clusters.items.map((cluster) => [
        cluster.metadata?.name ?? "",
        { ready: readyIn(cluster), message: cluster.status?.conditions[0]?.message ?? "" },
      ]),
    ),
    types: seen.map(({ type }) => type),
    notPropagated: seen.flatMap(({ wrong }) => wrong),
    conflicts: conflicts.items
      .filter(({ spec }) => spec.resolution === undefined)
      .map(({ metadata }) => metadata?.name ?? ""),
  };
}

async function typeGlance(hub: Kube, config: FederatedTypeConfig) {
  const { pluralName, group } = config.spec.targetType;
  const type = qualifiedName(pluralName, group);
  const kind = federatedKindOf(config);
  const listed = await hub.list<FederatedResource>({ resource: kind }).catch(ignoreKube);
  const items = listed?.items ?? [];
  const unserved = listed ? [] : [{ type, object: kindName(kind), reason: "NotServed", message: "" }];
  const wrong = [...unserved, ...items.flatMap((resource) => complaint(type, resource))];
  return { type: { type, objects: items.length, notPropagated: wrong.length }, wrong };
}

function complaint(type: string, { metadata, status }: FederatedResource): readonly NotPropagated[] {
  const condition = status?.conditions?.find((one) => one.type === "Propagation");
  const fresh = (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
  if (condition?.status === "True" && fresh) return [];
  const { name = "", namespace } = metadata ?? {};
  const { reason = "Waiting", message = "its sites have not answered yet" } = fresh ? (condition ?? {}) : {};
  return [{ type, object: namespace ? `${namespace}/${name}` : name, reason, message }];
}

async function siteGlance(
  { name, kind }: CrownSite,
  holder: string,
  word: Word | undefined,
  hub: HubGlance["ready"] | undefined,
): Promise<SiteGlance> {
  const told = hub?.get(name);
  const held = word && (await heldAt(word.kube, name).catch(ignoreKube));
  const unsaid = hub ? "its agent has not registered yet" : "the hub can't be asked";
  return {
    name,
    kind,
    crowned: name === holder,
    ready: told?.ready,
    message: told?.message || unsaid,
    epoch: word?.crown.spec.epoch,
    ...(held && { held }),
  };
}

async function heldAt(site: Kube, name: string): Promise<HeldDeletions | undefined> {
  const status = (await site.find({ resource: BRAKES, name }, ANSWER))?.status;
  if (!status || status.held === 0) return undefined;
  const { held, total, token = "", examples = [] } = status;
  return { count: held, of: total, token, examples };
}

function crownAt(kube: Kube): Promise<Crown | undefined> {
  return kube.find({ resource: CROWNS, name: CROWN_NAME }, ANSWER);
}

function ignoreKube(error: unknown): undefined {
  if (error instanceof KubeError) return undefined;
  throw error;
}
