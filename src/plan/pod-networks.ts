import { PanopticonError } from "#base/errors.ts";
import { type Cidr, covers, formatCidr, sizeOf, subnet, toCidr } from "#base/ipv4.ts";
import { inAddressOrder } from "./addresses.ts";
import type { Seat } from "./seats.ts";
import { Pool, type Run } from "./pool.ts";
import { problemAt } from "./problem.ts";
import type { SiteInput } from "./site-input.ts";

/** A node's part of the pod network. */
const NODE_PREFIX = 24;
/** In a pod network with room: control planes have parts 1 to 9, workers those from 11 on. */
const PRETTY_PARTS = 64;

/** Gives each node its /24 of the site's pods, by machine name; kept where it was planned before. */
export function allotPodNetworks(
  input: SiteInput,
  pods: Cidr,
  seats: readonly Seat[],
): ReadonlyMap<string, string> {
  const count = Math.floor(sizeOf(pods) / 2 ** (32 - NODE_PREFIX));
  const pool = new Pool({ first: 0, last: count - 1 });
  const nodes = inAddressOrder(input, seats).filter(({ role }) => role !== "ecam");
  const networks = new Map<string, string>();
  for (const { name, before } of nodes) {
    const part = before?.podNetwork === undefined ? undefined : toCidr(before.podNetwork);
    if (part?.prefix !== NODE_PREFIX || !covers(pods, part)) continue;
    if (pool.take((part.base - pods.base) / 2 ** (32 - NODE_PREFIX))) networks.set(name, formatCidr(part));
  }
  for (const { name, role } of nodes) {
    if (networks.has(name)) continue;
    const pretty: Run = role === "controlplane" ? [1, 9] : [11, count - 1];
    const index = pool.takeFirst([...(count >= PRETTY_PARTS ? [pretty] : []), [0, count - 1]]);
    const part = index === undefined ? undefined : subnet(pods, NODE_PREFIX, index);
    if (!part) throw podsFull(input, pods, nodes.length);
    networks.set(name, formatCidr(part));
  }
  return networks;
}

function podsFull(input: SiteInput, pods: Cidr, nodes: number): PanopticonError {
  return new PanopticonError(
    [
      problemAt(
        input.file,
        `${input.path}.network.pods`,
        "PLAN_PODS_TOO_SMALL",
        `pod network ${formatCidr(pods)} of site ${input.site.name} is too small for ${nodes} nodes with a /24 each`,
        `make ${input.path}.network.pods a /${24 - Math.ceil(Math.log2(nodes))} or larger`,
      ),
    ],
    1,
  );
}
