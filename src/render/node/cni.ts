/** The pod network of one node: the `bridge` plugin over exactly the range the plan gives the node. */
import type { RenderedFile } from "#render/files.ts";
import { emitJson } from "../formats/data.ts";
import { network } from "../refuse.ts";
import { type Target, asNode } from "../target.ts";

export function cniFile({ machine }: Target): RenderedFile {
  const content = emitJson({
    cniVersion: "1.0.0",
    name: "panopticon",
    plugins: [
      {
        type: "bridge",
        bridge: "cni0",
        isDefaultGateway: true,
        // The node's own masquerade knows the site; the plugin's does not.
        ipMasq: false,
        hairpinMode: true,
        ipam: {
          type: "host-local",
          ranges: [[{ subnet: network(asNode(machine).podNetwork, machine.name) }]],
          // Leases end with the boot, as the pods do: none leaks when the power fails.
          dataDir: "/run/cni/networks",
        },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  });
  return { path: "/etc/cni/net.d/10-panopticon.conflist", content, mode: 0o644 };
}
