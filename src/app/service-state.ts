/** How services fare, by what sites have told the hub. */
import { wrongUse } from "#base/errors.ts";
import type { FederatedResource } from "#control/federation/api/federated.ts";
import { at } from "#control/federation/json.ts";
import { judge, type Judgement } from "#lifecycle/service/judge.ts";
import { overrideOf, type Part, placedOn } from "#lifecycle/service/part.ts";
import type { Kube } from "#ports/kube.ts";
import { byService, type KnownSite, knownSites, ownParts, workloadOf } from "./service-hub.ts";
import { hostsIn } from "./service-refusals.ts";

export interface ServiceState {
  readonly name: string;
  readonly namespace: string;
  readonly hosts: readonly string[];
  readonly sites: readonly ServiceAtSite[];
}

export interface ServiceAtSite {
  readonly site: string;
  /** What it is to run there now. */
  readonly image: string;
  readonly state: Judgement["state"] | "unheard";
  readonly available: number;
  readonly wanted: number;
  /** What is not as it should be; empty where all is well. */
  readonly why: string;
}

/** Every service of the federation, by name. */
export async function listServices(hub: Kube): Promise<readonly ServiceState[]> {
  const [parts, clusters] = await Promise.all([ownParts(hub), knownSites(hub)]);
  return [...byService(parts)]
    .map(([name, own]) => stateOf(name, own, clusters))
    .toSorted((left, right) => (left.name < right.name ? -1 : 1));
}

/** One of them; SERVICE_UNKNOWN (exit 2) where there is none of that name. */
export async function serviceState(hub: Kube, name: string): Promise<ServiceState> {
  const [parts, clusters] = await Promise.all([ownParts(hub, name), knownSites(hub)]);
  if (parts.length === 0) throw await unknown(hub, name);
  return stateOf(name, parts, clusters);
}

export async function unknown(hub: Kube, name: string): Promise<Error> {
  const names = [...byService(await ownParts(hub)).keys()].toSorted();
  return wrongUse(
    "SERVICE_UNKNOWN",
    `the federation has no service ${name}`,
    names.length > 0 ? `Its services are ${names.join(", ")}.` : "Deploy one: panopticon service deploy FILE",
  );
}

function stateOf(name: string, parts: readonly Part[], clusters: readonly KnownSite[]): ServiceState {
  const work = workloadOf(parts);
  const resource = (work ?? parts[0])?.resource;
  const ingress = parts.find((part) => part.resource.kind === "FederatedIngress");
  const sites = resource ? placedOn(resource, clusters) : [];
  return {
    name,
    namespace: resource?.metadata?.namespace ?? "",
    hosts: hostsIn(ingress?.resource),
    sites: sites.toSorted().map((site) => atSite(site, parts, resource, clusters)),
  };
}

function atSite(
  site: string,
  parts: readonly Part[],
  resource: FederatedResource | undefined,
  clusters: readonly KnownSite[],
): ServiceAtSite {
  const { state, why, replicas } = judge(site, parts);
  const heard = clusters.find(({ name }) => name === site)?.ready === true;
  return {
    site,
    image: imageAt(resource, site),
    state: heard ? state : "unheard",
    ...replicas,
    why: heard ? why : "its agent is not heard: this is what it said last",
  };
}

/** The image that a site is to run: while a version is rolled out, they differ. */
function imageAt(resource: FederatedResource | undefined, site: string): string {
  const steps = overrideOf(resource?.spec?.overrides, site)?.clusterOverrides ?? [];
  const pod = steps.find(({ path }) => path === "/spec/template")?.value;
  const containers = at(pod ?? at(resource?.spec?.template, "spec", "template"), "spec", "containers");
  const image = Array.isArray(containers) ? at(containers[0], "image") : undefined;
  return typeof image === "string" ? image : "";
}
