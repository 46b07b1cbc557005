/** What makes an installed Debian one certain server: its name, its place in the LAN, its keys, dom0's memory. */
import { parseCidr } from "#base/ipv4.ts";
import type { Server, Site } from "#model/federation.ts";
import type { RenderedFile } from "#render/files.ts";
import { emitHosts, emitResolvConf } from "../formats/lines.ts";
import { emitSystemd, type SystemdSection } from "../formats/systemd.ts";
import { sortFiles } from "../machine.ts";
import { address, HOST_NAME, network, word } from "../refuse.ts";
import { type SeedKeys, sshFiles } from "../seed.ts";
import { dom0Memory, grubFile } from "../xen/dom0.ts";

/** The bridge that the driver plugs machines into. */
const BRIDGE = "xenbr0";

/** Stands for the MAC of the server's card until the installer has found it. */
export const CARD = "@CARD@";

/** The server's own host name: unique in the federation. */
export function serverHostName(site: Pick<Site, "name">, server: Pick<Server, "name">): string {
  return word(`${site.name}-${server.name}`, "hostname", HOST_NAME);
}

/** The files, sorted by path; `own` is the address of dom0. The host key is in them. */
export function serverFiles(
  site: Site,
  server: Server,
  own: string,
  keys: SeedKeys,
): readonly RenderedFile[] {
  const name = serverHostName(site, server);
  const file = (path: string, content: string): RenderedFile => ({ path, content, mode: 0o644 });
  const hosts = [
    { address: "127.0.0.1", names: ["localhost"] },
    { address: own, names: [name] },
  ];
  return sortFiles([
    file("/etc/hostname", `${name}\n`),
    file("/etc/hosts", emitHosts(hosts)),
    file("/etc/resolv.conf", emitResolvConf(site.network.resolvers, ["timeout:1", "attempts:2"])),
    ...networkFiles(site, own),
    grubFile("Written by panopticon usb build.", [
      // Newer microcode from the initrd; the screen, and the first serial port where there is one.
      [
        "GRUB_CMDLINE_XEN_DEFAULT",
        `${dom0Memory(server.dom0MemoryMiB)} ucode=scan console=vga,com1 com1=115200,8n1`,
      ],
      ["GRUB_CMDLINE_LINUX", "console=tty0 console=hvc0"],
    ]),
    ...sshFiles(keys),
  ]);
}

/** The bridge has the card's own MAC, so that the router sees one machine. No spanning tree: a new port passes packets at once. */
function networkFiles(site: Site, own: string): readonly RenderedFile[] {
  const prefix = parseCidr(network(site.network.lan, site.name))?.prefix;
  const file = (name: string, sections: readonly SystemdSection[]): RenderedFile => ({
    path: `/etc/systemd/network/${name}`,
    content: emitSystemd(sections),
    mode: 0o644,
  });
  return [
    file(`10-${BRIDGE}.netdev`, [
      {
        name: "NetDev",
        entries: [
          ["Name", BRIDGE],
          ["Kind", "bridge"],
          ["MACAddress", CARD],
        ],
      },
      {
        name: "Bridge",
        entries: [
          ["STP", false],
          ["ForwardDelaySec", 0],
        ],
      },
    ]),
    file(`10-${BRIDGE}-port.network`, [
      { name: "Match", entries: [["PermanentMACAddress", CARD]] },
      { name: "Network", entries: [["Bridge", BRIDGE]] },
    ]),
    file(`20-${BRIDGE}.network`, [
      { name: "Match", entries: [["Name", BRIDGE]] },
      {
        name: "Network",
        entries: [
          ["Address", `${address(own, site.name)}/${prefix}`],
          ["Gateway", address(site.network.gateway, site.name)],
          ["DHCP", false],
          ["LinkLocalAddressing", false],
          ["IPv6AcceptRA", false],
        ],
      },
    ]),
  ];
}
