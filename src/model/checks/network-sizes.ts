import {
  type Cidr,
  formatCidr,
  hostsOf,
  overlaps,
  parseAddress,
  parseCidr,
  type Range,
  sizeOf,
  toAddress,
} from "#base/ipv4.ts";
import type { Draft } from "../draft.ts";
import type { AddressRange } from "../federation.ts";
import type { Mistake } from "../mistakes.ts";
import { type Check, type DraftSite, type Part, sitesOf } from "./check.ts";

/** Each node has a /24 of the pod network. */
const NODE_ADDRESSES = 256;
/** kubeadm's node mask is at most 16 bits longer than the pod network's, its service network at most 20 bits wide. */
const LARGEST_PREFIX = { lan: 8, pods: 8, services: 12 } as const;
/** The cluster's name server has the tenth address; kubeadm, too, refuses fewer than ten. */
const SERVICE_ADDRESSES = 16;
/** Addresses a site uses beside its machines': the API's VIP, the name servers' VIP and the operator's. */
const SHARED_ADDRESSES = 3;

/** Networks that are too small for what they hold, or larger than Kubernetes takes. */
export const checkNetworkSizes: Check = (federation) =>
  sitesOf(federation).flatMap((site) => [
    ...tooLarge(site),
    ...(lanMistake(site) ?? []),
    ...(podsMistake(site) ?? []),
    ...(servicesMistake(site) ?? []),
  ]);

function tooLarge({ value, path }: Part<DraftSite>): readonly Mistake[] {
  return (["lan", "pods", "services"] as const).flatMap((key): readonly Mistake[] => {
    const cidr = cidrOf(value.network?.[key]);
    if (!cidr || cidr.prefix >= LARGEST_PREFIX[key]) return [];
    const message = `${formatCidr(cidr)} is larger than a network of this kind can be`;
    const hint = `use a /${LARGEST_PREFIX[key]} or smaller`;
    return [{ code: "MODEL_NETWORK_TOO_LARGE", message, hint, path: [...path, "network", key] }];
  });
}

function lanMistake({ value, path, label }: Part<DraftSite>): readonly Mistake[] | undefined {
  const lan = cidrOf(value.network?.lan);
  const counts = countMachines(value);
  if (!lan || !counts) return undefined;
  const ingress = value.network?.ingress;
  const range = ingress && toRange(ingress);
  const needed = counts.machines + SHARED_ADDRESSES + (range ? range.last - range.first + 1 : 1);
  const { first, last } = hostsOf(lan);
  const blocked = countBlocked(value, { first, last });
  const free = last - first + 1 - blocked;
  if (free >= needed) return [];
  const prefix = 32 - Math.ceil(Math.log2(needed + blocked + 2));
  const why = `${counts.machines} machines, two VIPs, the operator and load balancers need ${needed}`;
  return [
    {
      code: "MODEL_NETWORK_TOO_SMALL",
      message: `the LAN ${formatCidr(lan)} of ${label} has too few free addresses (${free}): ${why}`,
      hint: prefix < lan.prefix ? `make it a /${prefix} or larger` : "reserve less of it, or make it larger",
      path: [...path, "network", "lan"],
    },
  ];
}

function podsMistake({ value, path, label }: Part<DraftSite>): readonly Mistake[] | undefined {
  const pods = cidrOf(value.network?.pods);
  const counts = countMachines(value);
  if (!pods || !counts || sizeOf(pods) >= counts.nodes * NODE_ADDRESSES) return undefined;
  const prefix = 24 - Math.ceil(Math.log2(counts.nodes));
  return [
    {
      code: "MODEL_NETWORK_TOO_SMALL",
      message: `the pod network ${formatCidr(pods)} of ${label} is too small for ${counts.nodes} nodes with a /24 each`,
      hint: `make it a /${prefix} or larger`,
      path: [...path, "network", "pods"],
    },
  ];
}

function servicesMistake({ value, path, label }: Part<DraftSite>): readonly Mistake[] | undefined {
  const services = cidrOf(value.network?.services);
  if (!services || sizeOf(services) >= SERVICE_ADDRESSES) return undefined;
  return [
    {
      code: "MODEL_NETWORK_TOO_SMALL",
      message: `the service network ${formatCidr(services)} of ${label} has only ${sizeOf(services)} addresses`,
      hint: "make it a /28 at the least; a /20 is usual",
      path: [...path, "network", "services"],
    },
  ];
}

/** How many machines and how many of them are nodes; undefined where something about that is unknown. */
function countMachines({
  servers,
  controlplanes,
}: DraftSite): { machines: number; nodes: number } | undefined {
  if (servers === undefined || controlplanes === undefined) return undefined;
  if (servers.some((server) => server?.role === undefined || server.workers === undefined)) return undefined;
  const ecams = servers.filter((server) => server?.role === "full").length;
  const nodes = controlplanes + servers.reduce((sum, server) => sum + (server?.workers ?? 0), 0);
  return { machines: ecams + nodes, nodes };
}

/** How many of the addresses are reserved or something else's. */
function countBlocked({ network }: DraftSite, hosts: Range): number {
  const single = [network?.gateway, ...(network?.resolvers ?? []), ...(network?.external ?? [])].flatMap(
    (text) => {
      const address = text === undefined ? undefined : parseAddress(text);
      return address === undefined ? [] : [{ first: address, last: address }];
    },
  );
  const ranges = [...single, ...(network?.reserved ?? []).flatMap((range) => (range && toRange(range)) ?? [])]
    .filter((range) => overlaps(hosts, range))
    .toSorted((left, right) => left.first - right.first);
  let counted = hosts.first;
  let sum = 0;
  for (const { first, last } of ranges) {
    const end = Math.min(last, hosts.last);
    sum += Math.max(0, end - Math.max(first, counted) + 1);
    counted = Math.max(counted, end + 1);
  }
  return sum;
}

function cidrOf(text: string | undefined): Cidr | undefined {
  return text === undefined ? undefined : parseCidr(text);
}

function toRange({ first, last }: NonNullable<Draft<AddressRange>>): Range | undefined {
  return first === undefined || last === undefined
    ? undefined
    : { first: toAddress(first), last: toAddress(last) };
}
