/** Pods that speak to anything that has no way back to them take their node's address. */
import type { RenderedFile } from "#render/files.ts";
import { emitNftables } from "../formats/nftables.ts";
import { emitSystemd } from "../formats/systemd.ts";
import { network } from "../refuse.ts";
import { type Target, asNode, nodesOf } from "../target.ts";

const RULES_PATH = "/etc/panopticon/masquerade.nft";

export function masqueradeFiles(target: Target): RenderedFile[] {
  return [
    { path: RULES_PATH, content: rules(target), mode: 0o644 },
    { path: "/etc/systemd/system/panopticon-masquerade.service", content: unit(), mode: 0o644 },
  ];
}

/** Only the site's nodes have routes to pods; the rest of the LAN (router, ECAMs, printers) has not. */
function rules({ site, machine }: Target): string {
  const nodes = nodesOf(site).map((node) => `${node.address}/32`);
  const own = network(asNode(machine).podNetwork, machine.name);
  return emitNftables({
    family: "ip",
    name: "panopticon",
    comment: "What leaves this node's pods for addresses without a route back.",
    sets: [{ name: "reachable", networks: [site.network.pods, site.network.services, ...nodes] }],
    chains: [
      {
        name: "postrouting",
        type: "nat",
        hook: "postrouting",
        priority: "srcnat",
        rules: [["ip", "saddr", own, "ip", "daddr", "!=", "@reachable", "masquerade", "fully-random"]],
      },
    ],
  });
}

function unit(): string {
  const load = { argv: ["/usr/sbin/nft", "-f", RULES_PATH] };
  return emitSystemd([
    {
      name: "Unit",
      entries: [
        ["Description", "Masquerade for pods"],
        ["After", "panopticon-ground.service systemd-modules-load.service"],
        ["Before", "containerd.service kubelet.service"],
      ],
    },
    {
      name: "Service",
      entries: [
        ["Type", "oneshot"],
        ["RemainAfterExit", true],
        ["ExecStart", load],
        ["ExecReload", load],
      ],
    },
    { name: "Install", entries: [["WantedBy", "multi-user.target"]] },
  ]);
}
