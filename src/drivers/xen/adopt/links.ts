/** A host's network links: its cards, its bridges, and the one it is managed by. */
import { z } from "zod";

export interface Link {
  readonly name: string;
  readonly mac: string;
  /** `bridge`, `bond`, `vlan` and so on; empty for a card. */
  readonly kind: string;
  /** The bridge or bond that it is a port of. */
  readonly master: string;
  /** Whether a device of the host is behind it. */
  readonly card: boolean;
  /** `10.0.0.2/24`; only global IPv4. */
  readonly addresses: readonly { readonly text: string; readonly byDhcp: boolean }[];
  /** Of a bridge: seconds until a new port passes packets; 0 without spanning tree. */
  readonly waitSeconds: number;
}

const LINK = z.object({
  ifname: z.string(),
  address: z.string().default(""),
  permaddr: z.string().optional(),
  master: z.string().default(""),
  linkinfo: z
    .object({
      info_kind: z.string().default(""),
      info_data: z
        .object({ forward_delay: z.number().default(0), stp_state: z.number().default(0) })
        .optional()
        .catch(undefined),
    })
    .optional(),
  addr_info: z
    .array(
      z.object({
        family: z.string(),
        local: z.string().default(""),
        prefixlen: z.number().default(0),
        scope: z.string().default(""),
        dynamic: z.boolean().default(false),
      }),
    )
    .default([]),
});

/** `ip -j -d address`; `cards` are lines `NAME PATH` of the links that a device is behind. */
export function parseLinks(json: string, cards: string): readonly Link[] {
  if (json.trim() === "") return [];
  // The host's end of a guest's card has a device too, which is Xen's.
  const own = cards.split("\n").filter((line) => !line.includes(" /sys/devices/vif-"));
  const withDevice = new Set(own.map((line) => line.split(" ")[0]));
  return z
    .array(LINK)
    .parse(JSON.parse(json))
    .map((link) => ({
      name: link.ifname,
      mac: link.permaddr ?? link.address,
      kind: link.linkinfo?.info_kind ?? "",
      master: link.master,
      card: withDevice.has(link.ifname),
      addresses: link.addr_info
        .filter(({ family, scope }) => family === "inet" && scope === "global")
        .map(({ local, prefixlen, dynamic }) => ({ text: `${local}/${prefixlen}`, byDhcp: dynamic })),
      waitSeconds: waitOf(link.linkinfo?.info_data),
    }));
}

/** A port listens for the delay and learns for it again, where there is a spanning tree; told in hundredths of a second. */
function waitOf(bridge: { forward_delay: number; stp_state: number } | undefined): number {
  return bridge && bridge.stp_state > 0 ? (2 * bridge.forward_delay) / 100 : 0;
}

/** The default route's gateway and link, from `ip -j -4 route show default`. */
export function parseDefaultRoute(
  json: string,
): { readonly gateway: string; readonly link: string } | undefined {
  if (json.trim() === "") return undefined;
  const [route] = z
    .array(z.object({ gateway: z.string().default(""), dev: z.string() }))
    .parse(JSON.parse(json));
  return route && { gateway: route.gateway, link: route.dev };
}

/**
 * The link over which the host is managed: the one with the address that our
 * connection came to (the words of sshd: client, port, server, port), else the
 * default route's.
 */
export function managementLink(
  links: readonly Link[],
  session: string,
  route: { readonly link: string } | undefined,
): Link | undefined {
  const came = session.trim().split(" ")[2];
  return (
    links.find(({ addresses }) => addresses.some(({ text }) => text.split("/")[0] === came)) ??
    links.find(({ name }) => name === route?.link)
  );
}
