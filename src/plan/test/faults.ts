/** What is wrong with a plan, in words; empty where nothing is. Tests expect it to be empty. */
import { contains, hostsOf, overlaps, type Range, toAddress, toCidr } from "#base/ipv4.ts";
import type { AddressRange, Server, Site } from "#model/federation.ts";
import { type MachinePlan, machinesOf, type Plan, type SitePlan } from "../plan.ts";

/** Values that occur more than once. */
export function repeated(values: readonly string[]): readonly string[] {
  return values.filter((value, index) => values.indexOf(value) !== index);
}

/** Addresses the plan chose that are outside the LAN, reserved or in the ingress range. */
export function misplacedAddresses(asked: Site, { network, machines }: SitePlan): readonly string[] {
  const lan = hostsOf(toCidr(network.lan));
  const ingress = rangeOf(network.ingress);
  const off = [...asked.network.reserved.map(rangeOf), ingress];
  const chosen = [network.namesVip, network.operator, ...machines.map(({ address }) => address)];
  return [
    ...chosen.filter(
      (text) => !contains(lan, toAddress(text)) || off.some((one) => contains(one, toAddress(text))),
    ),
    ...[network.ingress.first, network.ingress.last].filter((text) => !contains(lan, toAddress(text))),
    ...(contains(ingress, toAddress(network.vip)) ? [network.vip] : []),
  ];
}

/** Networks that overlap another, of any site. */
export function overlappingNetworks({ sites }: Plan): readonly string[] {
  const networks = sites.flatMap(({ network }) => [network.lan, network.pods, network.services]);
  return networks.filter((one, index) =>
    networks.some((other, place) => place !== index && overlaps(toCidr(one), toCidr(other))),
  );
}

/** Where machines do not fit their server, are of the wrong number or size, or leave something workers should have. */
export function misfits(asked: Site, planned: SitePlan): readonly string[] {
  const counts = machinesOf(planned, "controlplane").length === asked.controlplanes ? [] : ["control planes"];
  return [
    ...counts,
    ...asked.servers.flatMap((server) => serverMisfits(asked, server, planned)),
    ...planned.machines
      .filter((machine) => !isLargeEnough(asked, machine))
      .map(({ name }) => `${name}: size`),
  ];
}

function serverMisfits(asked: Site, server: Server, planned: SitePlan): readonly string[] {
  const own = planned.machines.filter((machine) => machine.server === server.name);
  const freeCpus = server.cpus - sum(own.map(({ cpus }) => cpus));
  const freeMemoryMiB = server.memoryMiB - server.dom0MemoryMiB - sum(own.map(({ memoryMiB }) => memoryMiB));
  const stated = planned.servers.find(({ name }) => name === server.name);
  const count = (role: MachinePlan["role"]) => own.filter((machine) => machine.role === role).length;
  const isGreedy = server.workers === 0 || (freeCpus === 0 && freeMemoryMiB < server.workers);
  const faults = {
    "more than it has": freeCpus < 0 || freeMemoryMiB < 0,
    "wrong about what is free": stated?.freeCpus !== freeCpus || stated.freeMemoryMiB !== freeMemoryMiB,
    "something workers should have": !isGreedy,
    ECAMs: count("ecam") !== (server.role === "full" ? 1 : 0),
    workers: count("worker") !== server.workers,
    "a witness with more than a vote": server.role === "witness" && own.length !== count("controlplane"),
    disks: !fitsDisks(server, own),
  };
  return Object.entries(faults).flatMap(([what, isFault]) =>
    isFault ? [`${asked.name}/${server.name}: ${what}`] : [],
  );
}

function fitsDisks({ disks, workers }: Server, machines: readonly MachinePlan[]): boolean {
  const cuts = machines.flatMap((machine) => machine.disks);
  const left = disks.map(
    ({ name, sizeGiB }) => sizeGiB - sum(cuts.filter(({ from }) => from === name).map((cut) => cut.sizeGiB)),
  );
  return (
    left.every((size) => size >= 0 && (workers === 0 || size < workers)) &&
    cuts.every(({ from }) => disks.some(({ name }) => name === from))
  );
}

function isLargeEnough(asked: Site, { role, cpus, memoryMiB, disks }: MachinePlan): boolean {
  const least = asked.sizes[role];
  const isExact = cpus === least.cpus && memoryMiB === least.memoryMiB;
  const isMore = cpus >= least.cpus && memoryMiB >= least.memoryMiB;
  return (
    (role === "worker" ? isMore : isExact) && disks[0]?.name === "root" && disks[0].sizeGiB === least.diskGiB
  );
}

/** How many control planes more the fullest full server carries than the emptiest; witnesses must carry one. */
export function unevenness(planned: SitePlan): number {
  const counts = (role: Server["role"]) =>
    planned.servers
      .filter((server) => server.role === role)
      .map(({ name }) => machinesOf(planned, "controlplane").filter((one) => one.server === name).length);
  if (counts("witness").some((count) => count !== 1)) return Number.POSITIVE_INFINITY;
  return Math.max(...counts("full")) - Math.min(...counts("full"));
}

/** Sites and machines of the first plan that the second one has otherwise or not at all; reasons may differ. */
export function notKept(before: Plan, after: Plan): readonly string[] {
  const facts = (plan: Plan) => new Map(plan.sites.flatMap(factsOf));
  const now = facts(after);
  return [...facts(before)].filter(([name, text]) => now.get(name) !== text).map(([name]) => name);
}

function factsOf({ name, number, vrrp, network, endpoint, machines }: SitePlan): readonly [string, string][] {
  return [
    [name, JSON.stringify([number, vrrp, network, endpoint])],
    ...machines.map((machine): [string, string] => [
      machine.name,
      JSON.stringify({ ...machine, reasons: [] }),
    ]),
  ];
}

function rangeOf({ first, last }: AddressRange): Range {
  return { first: toAddress(first), last: toAddress(last) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
