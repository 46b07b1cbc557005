import { PanopticonError } from "#base/errors.ts";
import {
  type Cidr,
  formatAddress,
  formatCidr,
  hostsOf,
  overlaps,
  parseAddress,
  type Range,
  sizeOf,
  toAddress,
  toCidr,
} from "#base/ipv4.ts";
import type { AddressRange, Role } from "#model/federation.ts";
import type { Seat } from "./seats.ts";
import type { NetworkPlan } from "./plan.ts";
import { Pool, type Run } from "./pool.ts";
import { problemAt } from "./problem.ts";
import type { SiteInput } from "./site-input.ts";

/** Every address of a site. */
export interface Addresses {
  readonly vip: string;
  readonly namesVip: string;
  readonly ingress: AddressRange;
  readonly operator: string;
  /** By machine name. */
  readonly machines: ReadonlyMap<string, string>;
}

/** What addresses are for; each has its own part of a LAN with room. */
type Use = Role | "vip" | "namesVip" | "operator";

/** Offsets from the LAN's first address, used where the LAN is a /24 or larger. */
const PRETTY: Readonly<Record<Use, readonly Run[]>> = {
  vip: [
    [10, 10],
    [2, 8],
    [26, 30],
  ],
  namesVip: [
    [9, 9],
    [2, 8],
    [26, 30],
  ],
  operator: [[254, 220]],
  ecam: [
    [11, 20],
    [199, 31],
  ],
  controlplane: [
    [21, 25],
    [26, 30],
  ],
  worker: [[31, 199]],
};

const PRETTY_PREFIX = 24;
const PRETTY_INGRESS: Range = { first: 200, last: 219 };

/**
 * Gives a site its addresses: the file's own, then those that exist and are
 * still allowed, then new ones. A machine's address follows from its number (in
 * a LAN smaller than /24 from its place in the file), so that servers added at
 * the end change none.
 */
export function allotAddresses(input: SiteInput, seats: readonly Seat[]): Addresses {
  const { network } = input.site;
  const before = input.previous?.network;
  const lan = toCidr(network.lan);
  const pool = new Pool(hostsOf(lan), blockedIn(input, lan));
  const keptIngress = before && keepIngress(pool, input, before);
  if (keptIngress) pool.block(keptIngress);
  const kept = keepAddresses(input, pool, seats);
  const take = (use: Use, who: string): string => {
    const found = pool.takeFirst(runsOf(lan, use));
    if (found === undefined) throw lanFull(input, lan, who, seats.length);
    return formatAddress(found);
  };
  const vip = network.vip ?? kept.get("vip") ?? take("vip", "the VIP");
  const namesVip = kept.get("namesVip") ?? take("namesVip", "the names VIP");
  const operator = kept.get("operator") ?? take("operator", "the operator");
  const ingress = keptIngress ?? chooseIngress(input, lan, pool, seats, kept);
  pool.block(ingress);
  const machines = new Map(
    inAddressOrder(input, seats).map(({ name, role }) => [name, kept.get(name) ?? take(role, name)]),
  );
  return { vip, namesVip, operator, ingress: formatRange(ingress), machines };
}

/** What no machine may have: reserved ranges and addresses that are something else's. */
function blockedIn(input: SiteInput, lan: Cidr): readonly Range[] {
  const { gateway, reserved, resolvers, external, vip, ingress } = input.site.network;
  const servers = input.site.servers.map(({ address }) => address);
  const single = [gateway, ...resolvers, ...external, vip, ...servers]
    .filter((address) => address !== undefined)
    .map(parseAddress)
    .filter((address) => address !== undefined)
    .map((address) => ({ first: address, last: address }));
  return [...single, ...reserved.map(readRange), ...(ingress ? [readRange(ingress)] : [])].filter((range) =>
    overlaps(lan, range),
  );
}

function keepIngress(pool: Pool, input: SiteInput, before: NetworkPlan): Range | undefined {
  if (input.site.network.ingress) return undefined;
  const range = readRange(before.ingress);
  const length = range.last - range.first + 1;
  return pool.highestFreeRange(range.first, range.last, length);
}

/** Takes the addresses that were planned before and are still allowed; by machine or use. */
function keepAddresses(
  { site, previous }: SiteInput,
  pool: Pool,
  seats: readonly Seat[],
): ReadonlyMap<string, string> {
  if (!previous) return new Map();
  const { vip, namesVip, operator } = previous.network;
  const wishes: readonly (readonly [string, string | undefined])[] = [
    ["vip", site.network.vip === undefined ? vip : undefined],
    ["namesVip", namesVip],
    ["operator", operator],
    ...seats.map((seat) => [seat.name, seat.before?.address] as const),
  ];
  const kept = wishes.flatMap(([who, text]) =>
    text !== undefined && pool.take(toAddress(text)) ? [[who, text] as const] : [],
  );
  return new Map(kept);
}

function runsOf(lan: Cidr, use: Use): readonly Run[] {
  const { first, last } = hostsOf(lan);
  const pretty = lan.prefix <= PRETTY_PREFIX ? PRETTY[use] : [];
  const rest: Run = use === "operator" ? [last, first] : [first, last];
  const above: readonly Run[] = lan.prefix < PRETTY_PREFIX ? [[lan.base + 256, last]] : [];
  return [...pretty.map(([from, to]): Run => [lan.base + from, lan.base + to]), ...above, rest];
}

/**
 * `.200`–`.219` or another run of 20; in a LAN smaller than /24 an eighth of it,
 * at its end. Less where machines need the addresses.
 */
function chooseIngress(
  input: SiteInput,
  lan: Cidr,
  pool: Pool,
  seats: readonly Seat[],
  kept: ReadonlyMap<string, string>,
): Range {
  const { ingress } = input.site.network;
  if (ingress) return readRange(ingress);
  const isPretty = lan.prefix <= PRETTY_PREFIX;
  const wanted = isPretty ? 20 : Math.max(1, Math.floor(sizeOf(lan) / 8) - 1);
  const machines = seats.filter(({ name }) => !kept.has(name)).length;
  const spare = pool.countFree(wanted + machines) - machines;
  const parts: readonly Range[] = isPretty
    ? [PRETTY_INGRESS, { first: 31, last: 253 }].map(({ first, last }) => ({
        first: lan.base + first,
        last: lan.base + last,
      }))
    : [];
  for (let length = Math.max(1, spare); length >= 1; length = Math.floor(length / 2)) {
    for (const { first, last } of [...parts, pool.whole]) {
      const found = pool.highestFreeRange(first, last, length);
      if (found) return found;
    }
  }
  throw lanFull(input, lan, "the ingress range", seats.length);
}

/** Control planes, then server by server: what a server added at the end takes comes last. */
export function inAddressOrder({ site }: SiteInput, seats: readonly Seat[]): readonly Seat[] {
  return [
    ...seats.filter(({ role }) => role === "controlplane"),
    ...site.servers.flatMap((server) =>
      seats.filter((seat) => seat.role !== "controlplane" && seat.server === server),
    ),
  ];
}

function lanFull(input: SiteInput, lan: Cidr, who: string, machines: number): PanopticonError {
  const needed = machines + 4;
  const { first, last } = hostsOf(lan);
  const usable = new Pool({ first, last }, blockedIn(input, lan)).countFree();
  return new PanopticonError(
    [
      problemAt(
        input.file,
        `${input.path}.network.lan`,
        "PLAN_LAN_FULL",
        `LAN ${formatCidr(lan)} of site ${input.site.name} has no address left for ${who}: ${machines} machines, two VIPs, the operator and the ingress range need at least ${needed} addresses, and ${usable} are neither reserved nor in use`,
        `make ${input.path}.network.lan a /${prefixFor(needed + sizeOf(lan) - usable)} or larger, or reserve less of it`,
      ),
    ],
    1,
  );
}

function prefixFor(addresses: number): number {
  return 32 - Math.ceil(Math.log2(addresses));
}

function readRange({ first, last }: AddressRange): Range {
  return { first: toAddress(first), last: toAddress(last) };
}

function formatRange({ first, last }: Range): AddressRange {
  return { first: formatAddress(first), last: formatAddress(last) };
}
