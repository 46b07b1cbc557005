/**
 * Keepalived on an ECAM: VRRPv3 for the site's two addresses, the API's and the
 * name servers'. At an advert every 0.1 s a dead ECAM's address moves in about
 * 0.35 s. It judges the local HAProxy only, never the API behind it: else an
 * outage of the API would make the address jump and cut every connection.
 */
import type { RenderedFile } from "#render/files.ts";
import { type KeepalivedBlock, type KeepalivedStatement, emitKeepalived } from "../formats/keepalived.ts";
import { emitSystemd, type SystemdEntry } from "../formats/systemd.ts";
import { HOST_NAME, address, word } from "../refuse.ts";
import { type Ecam, type Target, ecamsOf } from "../target.ts";
import { ALIVE } from "./haproxy.ts";

const ALIVE_SCRIPT = "/usr/local/lib/panopticon/haproxy-alive";

/** One address that moves between the ECAMs. */
interface Vip {
  readonly name: string;
  readonly id: number;
  readonly address: string;
  readonly priority: number;
  readonly track: readonly KeepalivedStatement[];
}

/** keepalived.conf, and in the lab the script it asks HAProxy by. */
export function keepalivedFiles(target: Target): RenderedFile[] {
  const { site, machine, platform } = target;
  const ecams = ecamsOf(site);
  const own = ecams.find((ecam) => ecam.name === machine.name)?.priority ?? 0;
  const check = platform.ownKernel ? PROCESS_CHECK : SCRIPT_CHECK;
  const vips: Vip[] = [
    { name: "api", id: site.vrrp.id, address: site.network.vip, priority: own, track: [check.tracked] },
    {
      name: "names",
      id: site.vrrp.namesId,
      address: site.network.namesVip,
      priority: mirrored(ecams, own),
      track: [],
    },
  ];
  const content = emitKeepalived([
    globalDefinitions(machine.name),
    check.definition,
    ...vips.map((vip) => instance(target, ecams, vip)),
  ]);
  return [
    { path: "/etc/keepalived/keepalived.conf", content, mode: 0o644 },
    {
      path: "/etc/systemd/system/keepalived.service.d/10-panopticon.conf",
      content: dropIn(vips, platform.interface),
      mode: 0o644,
    },
    ...(platform.ownKernel ? [] : [{ path: ALIVE_SCRIPT, content: ALIVE_TEXT, mode: 0o755 }]),
  ];
}

/**
 * A Keepalived that is killed leaves its addresses on the interface, and another
 * ECAM takes them too: they are removed as it ends. It comes back a second later,
 * when the other one has taken over.
 */
function dropIn(vips: readonly Vip[], link: string): string {
  const removals = vips.map((vip): SystemdEntry => {
    const prefixed = `${address(vip.address, vip.name)}/32`;
    return ["ExecStopPost", { argv: ["-/usr/sbin/ip", "address", "delete", prefixed, "dev", link] }];
  });
  return emitSystemd([
    { name: "Service", entries: [["Restart", "always"], ["RestartSec", "1s"], ...removals] },
  ]);
}

/** The priorities given round the other way, so that the two addresses prefer different ECAMs. */
function mirrored(ecams: readonly Ecam[], own: number): number {
  const rising = ecams.map((ecam) => ecam.priority).sort((left, right) => left - right);
  return rising[rising.length - 1 - rising.indexOf(own)] ?? own;
}

function globalDefinitions(router: string): KeepalivedBlock {
  return {
    words: ["global_defs"],
    block: [
      ["router_id", word(router, "keepalived.conf", HOST_NAME)],
      ["enable_script_security"],
      ["script_user", "nobody", "nogroup"],
      ["vrrp_version", 3],
      ["vrrp_check_unicast_src"],
      // Neighbours with a stale ARP entry after a split learn the holder again.
      ["vrrp_garp_master_delay", 1],
      ["vrrp_garp_master_refresh", 30],
      ["vrrp_higher_prio_send_advert", "true"],
      // On a busy box adverts come late, and the address flaps, without it.
      ["vrrp_rt_priority", 50],
      // In µs. The kernel kills a process of that priority that works longer; Keepalived's own 10 ms are too few for a slow guest.
      ["vrrp_rlimit_rttime", 1_000_000],
    ],
  };
}

/** `state BACKUP`, `nopreempt` and checks without weight: a weight together with nopreempt never fails over. */
function instance(target: Target, ecams: readonly Ecam[], vip: Vip): KeepalivedBlock {
  const { machine, platform } = target;
  const source = address(machine.address, machine.name);
  const peers = ecams.filter((ecam) => ecam.name !== machine.name);
  const unicast: KeepalivedBlock = {
    words: ["unicast_peer"],
    block: peers.map((peer) => [address(peer.address, peer.name)]),
  };
  return {
    words: ["vrrp_instance", vip.name],
    block: [
      ["state", "BACKUP"],
      ["interface", platform.interface],
      ["virtual_router_id", vip.id],
      ["priority", vip.priority],
      ["advert_int", 0.1],
      ["nopreempt"],
      ...(peers.length > 0 ? [["unicast_src_ip", source] as const, unicast] : []),
      { words: ["virtual_ipaddress"], block: [[`${address(vip.address, vip.name)}/32`]] },
      ...vip.track,
    ],
  };
}

/** What judges HAProxy: its definition and how an instance names it. */
interface Check {
  readonly definition: KeepalivedBlock;
  readonly tracked: KeepalivedBlock;
}

/** The kernel tells of the process's end at once. */
const PROCESS_CHECK: Check = {
  definition: {
    words: ["vrrp_track_process", "haproxy"],
    block: [
      // By the name that the kernel has for it: a path would match nothing.
      ["process", "haproxy"],
      ["weight", 0],
      ["quorum", 1],
    ],
  },
  tracked: { words: ["track_process"], block: [["haproxy"]] },
};

/** In a container the kernel's process connector is silent and the address would stay in FAULT. */
const SCRIPT_CHECK: Check = {
  definition: {
    words: ["vrrp_script", "haproxy"],
    block: [
      ["script", ALIVE_SCRIPT],
      ["interval", 1],
      ["timeout", 4],
      ["fall", 1],
      ["rise", 1],
      ["weight", 0],
      ["init_fail"],
    ],
  },
  tracked: { words: ["track_script"], block: [["haproxy"]] },
};

/**
 * Bash, which Debian always has, because it speaks TCP itself: curl would cost
 * five times as much, every second. A dead HAProxy refuses at once; one that is
 * only slow has 3 s.
 */
const ALIVE_TEXT = `#!/bin/bash
# Whether HAProxy answers on this machine; Keepalived runs it every second.
exec 3<>/dev/tcp/${ALIVE.address}/${ALIVE.port} || exit 1
printf 'GET ${ALIVE.path} HTTP/1.0\\r\\n\\r\\n' >&3
read -r -t 3 _ status _ <&3 && [ "$status" = 200 ]
`;
