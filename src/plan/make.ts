/**
 * The plan room: from a checked file to every machine, address and identity.
 * It is pure: the same file and previous plan give the same plan, byte by byte.
 */
import { PanopticonError, type Problem, wrongUse } from "#base/errors.ts";
import { formatAddress, formatCidr } from "#base/ipv4.ts";
import type { FederationFile, Site } from "#model/federation.ts";
import { allotAddresses } from "./addresses.ts";
import { allotMacs, machineUuid } from "./identity.ts";
import { serverPlan, sizeMachines, type SizedMachine } from "./machines.ts";
import { allotNetworks, type ClusterNetworks } from "./network.ts";
import { allotVrrp, numberSites } from "./numbers.ts";
import { type Placement, placeSite } from "./placement.ts";
import { MOST_ECAMS } from "./placement-refusals.ts";
import type { MachinePlan, NetworkPlan, Plan, SitePlan, VrrpPlan } from "./plan.ts";
import { allotPodNetworks } from "./pod-networks.ts";
import { explainPlacement } from "./reasons.ts";
import type { SiteInput } from "./site-input.ts";

const API_PORT = 6443;
/** A rented site's: its provider runs the machines. */
const NOTHING_PLACED: Placement = { hosts: [], seats: [], cuts: new Map() };

/**
 * Plans a federation. With `previous`, what still exists keeps its name,
 * number, server, addresses and identity. Throws PanopticonError with every
 * site's PLAN_… problems (exit 1) where something does not fit, and with
 * PLAN_OTHER_FEDERATION (exit 2) where `previous` is not this federation's.
 */
export async function makePlan(file: FederationFile, previous?: Plan): Promise<Plan> {
  const { federation } = file;
  if (previous && previous.federation !== federation.name)
    throw wrongUse(
      "PLAN_OTHER_FEDERATION",
      `the previous plan is of federation ${previous.federation}, not of ${federation.name}`,
      "plan without it, or give it the plan of this federation",
    );
  const { numbers, retired } = numberSites(federation, previous);
  const networks = allotNetworks(file, numbers, previous);
  const vrrp = allotVrrp(numbers, previous);
  const drafts = await collect(
    federation.sites.map(
      (site, index) => () =>
        draftSite(
          {
            file,
            site,
            path: `sites[${index}]`,
            number: must(numbers.get(site.name)),
            previous: previous?.sites.find(({ name }) => name === site.name),
          },
          must(networks.get(site.name)),
          must(vrrp.get(site.name)),
        ),
    ),
  );
  return {
    version: 1,
    federation: federation.name,
    domain: federation.domain,
    crown: federation.crown,
    kubernetes: federation.kubernetes,
    sites: identify(federation.name, drafts, previous),
    ...(federation.witness && { witness: federation.witness }),
    ...(federation.acme && { acme: federation.acme }),
    ...(federation.dnssec && { dnssec: true as const }),
    ...(retired.length > 0 && { retired }),
  };
}

/** A site whose machines have no identity yet: that needs all sites' names. */
interface SiteDraft extends Omit<SitePlan, "machines"> {
  readonly machines: readonly Omit<MachinePlan, "mac" | "uuid">[];
}

async function draftSite(input: SiteInput, networks: ClusterNetworks, vrrp: VrrpPlan): Promise<SiteDraft> {
  const { site, number, file } = input;
  const placement = site.kind === "on-prem" ? await placeSite(input) : NOTHING_PLACED;
  const machines = sizeMachines(site, placement);
  const addresses = allotAddresses(input, placement.seats);
  const podNetworks = allotPodNetworks(input, networks.pods, placement.seats);
  const reasons = explainPlacement(input, placement.hosts, machines, addresses.vip);
  const domain = `site${number}.${file.federation.domain}`;
  return {
    name: site.name,
    kind: site.kind,
    number,
    domain,
    network: networkPlan(site, networks, addresses),
    ...(site.jump && { jump: site.jump }),
    endpoint: { name: `api.${domain}`, port: API_PORT },
    vrrp,
    servers: site.servers.map((server) => serverPlan(server, machines)),
    machines: machines.map((machine, index) =>
      draftMachine(machine, addresses.machines, podNetworks, reasons[index] ?? []),
    ),
  };
}

function networkPlan(
  { network }: Site,
  { pods, services }: ClusterNetworks,
  { vip, namesVip, ingress, operator }: ReturnType<typeof allotAddresses>,
): NetworkPlan {
  return {
    lan: network.lan,
    gateway: network.gateway,
    external: network.external,
    resolvers: network.resolvers,
    vip,
    namesVip,
    ingress,
    operator,
    pods: formatCidr(pods),
    services: formatCidr(services),
    clusterDns: formatAddress(services.base + 10),
  };
}

function draftMachine(
  { seat, cpus, memoryMiB, disks, passthrough }: SizedMachine,
  addresses: ReadonlyMap<string, string>,
  podNetworks: ReadonlyMap<string, string>,
  reasons: readonly string[],
): SiteDraft["machines"][number] {
  const podNetwork = podNetworks.get(seat.name);
  return {
    name: seat.name,
    role: seat.role,
    server: seat.server.name,
    cpus,
    memoryMiB,
    disks,
    address: must(addresses.get(seat.name)),
    ...(podNetwork !== undefined && { podNetwork }),
    ...(seat.role === "ecam" && { priority: MOST_ECAMS + 1 - seat.number }),
    passthrough,
    // Xen passes nothing through to PVH domains (x86).
    ...(seat.server.virtualization === "hardware" && {
      virtualization: passthrough.length > 0 ? "hvm" : "pvh",
    }),
    reasons,
  };
}

function identify(
  federation: string,
  drafts: readonly SiteDraft[],
  previous: Plan | undefined,
): readonly SitePlan[] {
  const before = (previous?.sites ?? []).flatMap(({ machines }) => machines);
  const names = drafts.flatMap(({ machines }) => machines.map(({ name }) => name));
  const macs = allotMacs(federation, names, new Map(before.map(({ name, mac }) => [name, mac])));
  return drafts.map((site) => ({
    ...site,
    machines: site.machines.map((machine) => ({
      ...machine,
      mac: must(macs.get(machine.name)),
      uuid: machineUuid(federation, machine.name),
    })),
  }));
}

/** Runs all, so that one error tells the problems of every site. */
async function collect<T>(works: readonly (() => Promise<T>)[]): Promise<readonly T[]> {
  const results: T[] = [];
  const problems: Problem[] = [];
  for (const work of works) {
    try {
      results.push(await work());
    } catch (error) {
      if (!(error instanceof PanopticonError) || error.exit !== 1) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new PanopticonError(problems, 1);
  return results;
}

/** A value that the steps before have made sure of. */
function must<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError("a step of the plan left out a value");
  return value;
}
