/** A router of Linux: the lab's, and what a person may take over for one of their own. */
import type { SitePlan } from "#plan/plan.ts";
import { emitNftables } from "../formats/nftables.ts";
import { address, network } from "../refuse.ts";
import { forwardsOf } from "./forwards.ts";

export interface RouterLinks {
  /** Towards the internet. */
  readonly outside: string;
  /** Into the LAN. */
  readonly inside: string;
}

/**
 * What is inside goes out under the first external address; nothing comes in
 * unasked but what is passed on. Who asks for an external address from inside is
 * passed on too, and takes the router's own address, so that the answer comes
 * back this way.
 */
export function routerRules(site: SitePlan, { outside, inside }: RouterLinks): string {
  const { gateway, external } = site.network;
  const lan = network(site.network.lan, site.name);
  const enter = external.flatMap((one) =>
    forwardsOf(site).map(({ protocol, port, to }) =>
      [
        ["ip", "daddr", address(one, site.name), protocol, "dport", String(port)],
        ["dnat", "to", address(to, site.name)],
      ].flat(),
    ),
  );
  return emitNftables({
    family: "ip",
    name: "router",
    comment: `The router of ${site.name}.`,
    sets: [],
    chains: [
      {
        name: "forward",
        type: "filter",
        hook: "forward",
        priority: "filter",
        rules: [
          ["iifname", outside, "ct", "state", "established,related", "accept"],
          ["iifname", outside, "ct", "status", "dnat", "accept"],
          ["iifname", outside, "drop"],
        ],
      },
      { name: "enter", type: "nat", hook: "prerouting", priority: "dstnat", rules: enter },
      {
        name: "leave",
        type: "nat",
        hook: "postrouting",
        priority: "srcnat",
        rules: [
          ["oifname", outside, "ip", "saddr", lan, "snat", "to", address(external[0] ?? gateway, site.name)],
          [
            ["oifname", inside, "ip", "saddr", lan, "ct", "status", "dnat"],
            ["snat", "to", address(gateway, site.name)],
          ].flat(),
        ],
      },
    ],
  });
}
