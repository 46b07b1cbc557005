/** What a site's router must pass on to the inside: the same list makes the page for a person and the lab's rules. */
import type { SitePlan } from "#plan/plan.ts";

/** Where a site's steering hears the others; beside 53, on the address of its name servers. */
export const STEERING_PORT = 8853;

export interface Forward {
  readonly protocol: "tcp" | "udp";
  /** The same outside and inside. */
  readonly port: number;
  /** Address in the LAN. */
  readonly to: string;
  /** In words, for the person at the router. */
  readonly why: string;
}

/** Where requests by name enter a site: the first address that its load balancer may give away. */
export function ingressAddress({ network }: SitePlan): string {
  return network.ingress.first;
}

/** In the order of a person's interest; each holds for every external address. */
export function forwardsOf(site: SitePlan): readonly Forward[] {
  const { network, endpoint } = site;
  const web = ingressAddress(site);
  const names = network.namesVip;
  return [
    { protocol: "tcp", port: 443, to: web, why: "users of services" },
    { protocol: "tcp", port: 80, to: web, why: "users who type no https, and proof of the domain" },
    { protocol: "udp", port: 53, to: names, why: "questions about the domain's names" },
    { protocol: "tcp", port: 53, to: names, why: "the same, where the answer is long" },
    { protocol: "tcp", port: STEERING_PORT, to: names, why: "other sites: who sees whom" },
    { protocol: "tcp", port: endpoint.port, to: network.vip, why: "other sites' agents, and your kubectl" },
  ];
}
