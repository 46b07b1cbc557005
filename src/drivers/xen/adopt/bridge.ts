/**
 * The bridge that guests are plugged into. It takes over the address by which
 * the server is managed, so it is never made from here: one wrong word, and
 * nobody could come in to mend it.
 */
import type { RenderedFile } from "#render/files.ts";
import { BRIDGE } from "../server.ts";
import type { HostFacts } from "./facts.ts";
import type { ServerFinding } from "./finding.ts";
import type { Link } from "./links.ts";

const WHY = "every machine's network card is plugged into it";
/** A guest asks for its name servers and peers within its first seconds. */
const LONGEST_WAIT_SECONDS = 2;

export function bridgeFindings({ network, missingPrograms }: HostFacts): readonly ServerFinding[] {
  if (missingPrograms.includes("ip")) return []; // nothing is known of its links
  const bridge = network.links.find(({ name, kind }) => name === BRIDGE && kind === "bridge");
  if (bridge === undefined) return [noBridge(network)];
  const found: ServerFinding[] = [];
  const ports = network.links.filter(({ master }) => master === BRIDGE);
  if (!ports.some(({ card, kind }) => card || kind === "bond" || kind === "vlan")) {
    found.push({
      code: "SERVER_BRIDGE_ALONE",
      severity: "critical",
      subject: BRIDGE,
      what: "no network card of the server's is in it",
      why: "machines would reach nothing outside of the server",
      todo: `put the card of the site's LAN into ${BRIDGE}`,
    });
  }
  if (bridge.waitSeconds > LONGEST_WAIT_SECONDS) {
    found.push({
      code: "SERVER_BRIDGE_WAITS",
      severity: "warning",
      subject: BRIDGE,
      what: `its spanning tree keeps a new port silent for ${bridge.waitSeconds} s`,
      why: "a machine that starts is without a network meanwhile, and a VIP that moves to it answers late",
      todo: `switch the spanning tree off, or its delay to 0: ip link set ${BRIDGE} type bridge stp_state 0, and in the files that set it up`,
    });
  }
  return found;
}

function noBridge(network: HostFacts["network"]): ServerFinding {
  const base = { code: "SERVER_NO_BRIDGE", severity: "critical", subject: BRIDGE, why: WHY } as const;
  const { management } = network;
  if (management === undefined) {
    return {
      ...base,
      what: "there is no such bridge, and the link by which the server is managed was not found",
      todo: `make ${BRIDGE} with the card of the site's LAN in it`,
    };
  }
  if (management.kind === "bridge") {
    return {
      ...base,
      what: `there is no such bridge; the server is managed over the bridge ${management.name}`,
      todo: `rename ${management.name} to ${BRIDGE} in the files that set it up, and reboot with a console at hand`,
    };
  }
  const { files, how } = bridgeFiles(management, network);
  return {
    ...base,
    what: `there is no such bridge; the server is managed over ${management.name}`,
    todo: `${how} It is not done from here, because a mistake would cut this connection: have a console at hand`,
    files,
  };
}

/** What sets the bridge up with the card in it and the card's address on it, for who sets up the network there. */
function bridgeFiles(
  card: Link,
  { managers, gateway }: HostFacts["network"],
): { readonly files: readonly RenderedFile[]; readonly how: string } {
  if (managers.includes("ifupdown")) {
    return {
      files: [ifupdownFile(card, gateway)],
      how: `Install bridge-utils, take ${card.name} out of /etc/network/interfaces, put this file there, and reboot.`,
    };
  }
  const first = managers.includes("NetworkManager")
    ? `Take ${card.name} from NetworkManager (systemctl disable NetworkManager), enable systemd-networkd, put these files there`
    : `Put these files there in place of the one for ${card.name}`;
  return { files: networkdFiles(card, gateway), how: `${first}, and reboot.` };
}

function ifupdownFile(card: Link, gateway: string | undefined): RenderedFile {
  const fixed = card.addresses.filter(({ byDhcp }) => !byDhcp);
  const lines = [
    `iface ${card.name} inet manual`,
    "",
    `auto ${BRIDGE}`,
    `iface ${BRIDGE} inet ${fixed.length > 0 ? "static" : "dhcp"}`,
    ...fixed.slice(0, 1).map(({ text }) => `    address ${text}`),
    ...(fixed.length > 0 && gateway ? [`    gateway ${gateway}`] : []),
    `    bridge_ports ${card.name}`,
    `    bridge_hw ${card.mac}`,
    "    bridge_stp off",
    "    bridge_fd 0",
    ...fixed.slice(1).map(({ text }) => `    up ip address add ${text} dev ${BRIDGE}`),
  ];
  return { path: `/etc/network/interfaces.d/${BRIDGE}`, content: `${lines.join("\n")}\n`, mode: 0o644 };
}

function networkdFiles(card: Link, gateway: string | undefined): readonly RenderedFile[] {
  const fixed = card.addresses.filter(({ byDhcp }) => !byDhcp);
  const file = (name: string, lines: readonly string[]): RenderedFile => ({
    path: `/etc/systemd/network/${name}`,
    content: `${lines.join("\n")}\n`,
    mode: 0o644,
  });
  const addressing =
    fixed.length === 0
      ? ["DHCP=ipv4"]
      : [...fixed.map(({ text }) => `Address=${text}`), ...(gateway ? [`Gateway=${gateway}`] : [])];
  return [
    file(`10-${BRIDGE}.netdev`, [
      "[NetDev]",
      `Name=${BRIDGE}`,
      "Kind=bridge",
      `MACAddress=${card.mac}`,
      "",
      "[Bridge]",
      "STP=no",
      "ForwardDelaySec=0",
    ]),
    file(`10-${BRIDGE}-port.network`, [
      "[Match]",
      card.card ? `PermanentMACAddress=${card.mac}` : `Name=${card.name}`,
      "",
      "[Network]",
      `Bridge=${BRIDGE}`,
    ]),
    file(`20-${BRIDGE}.network`, ["[Match]", `Name=${BRIDGE}`, "", "[Network]", ...addressing]),
  ];
}
