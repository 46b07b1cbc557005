/** The machine's interface, in systemd-networkd: its address and, on nodes, the way to the other nodes' pods. */
import { parseCidr } from "#base/ipv4.ts";
import type { RenderedFile } from "#render/files.ts";
import { type SystemdSection, emitSystemd } from "../formats/systemd.ts";
import { address, network } from "../refuse.ts";
import { type Target, nodesOf } from "../target.ts";

/** Sorts before Debian's own file for a container's `host0`. */
export function networkFile(target: Target): RenderedFile {
  const content = emitSystemd([
    { name: "Match", entries: [["Name", target.platform.interface]] },
    addresses(target),
    ...podRoutes(target),
  ]);
  return { path: "/etc/systemd/network/10-panopticon.network", content, mode: 0o644 };
}

function addresses({ site, machine }: Target): SystemdSection {
  const prefix = parseCidr(network(site.network.lan, site.name))?.prefix;
  return {
    name: "Network",
    entries: [
      ["Address", `${address(machine.address, machine.name)}/${prefix}`],
      ["Gateway", address(site.network.gateway, site.name)],
      ["DHCP", false],
      ["LinkLocalAddressing", false],
      ["IPv6AcceptRA", false],
      ["LLDP", false],
      // An ECAM may hold a VIP that is not in this file: networkd must leave it when it starts again.
      ["KeepConfiguration", "static"],
    ],
  };
}

/** A route per other node: pods keep their addresses across nodes without an overlay. */
function podRoutes({ site, machine }: Target): SystemdSection[] {
  if (machine.role === "ecam") return [];
  return nodesOf(site)
    .filter((node) => node.name !== machine.name)
    .map((node) => ({
      name: "Route",
      comment: node.name,
      entries: [
        ["Destination", network(node.podNetwork, node.name)],
        ["Gateway", address(node.address, node.name)],
      ],
    }));
}
