/**
 * HAProxy on an ECAM: passes the API's TCP connections on to the control planes
 * that answer. Client certificates must reach the API server, so only the
 * health checks speak TLS. The reasons are those of kubeadm's HA considerations
 * and of what broke for others (idle cuts, stuck VIPs, endless connects).
 */
import type { MachinePlan, SitePlan } from "#plan/plan.ts";
import { machinesOf } from "#plan/plan.ts";
import type { RenderedFile } from "#render/files.ts";
import { type HaproxyLine, type HaproxySection, emitHaproxy } from "../formats/haproxy.ts";
import { HOST_NAME, address, word } from "../refuse.ts";
import type { Target } from "../target.ts";

/** Where Keepalived asks whether HAProxy lives, on loopback only. */
export const ALIVE = { address: "127.0.0.1", port: 8404, path: "/alive" } as const;

/** The cluster's CA, which HAProxy trusts for its health checks; brought by `converge`. */
const CLUSTER_CA = "/etc/panopticon/pki/ca.crt";

const MAX_CONNECTIONS = 8192;

export function haproxyFile(target: Target): RenderedFile {
  const content = emitHaproxy([GLOBAL, DEFAULTS, STATUS, apiFrontend(target), controlplanes(target.site)]);
  return { path: "/etc/haproxy/haproxy.cfg", content, mode: 0o644 };
}

const GLOBAL: HaproxySection = {
  kind: "global",
  lines: [
    ["log", "stdout", "format", "short", "daemon", "notice"],
    ["chroot", "/var/lib/haproxy"],
    ["user", "haproxy"],
    ["group", "haproxy"],
    ["stats", "socket", "/run/haproxy/admin.sock", "mode", "600", "level", "admin"],
    ["maxconn", MAX_CONNECTIONS],
    // Checks of several ECAMs must not meet at the same moment.
    ["spread-checks", 5],
  ],
};

const DEFAULTS: HaproxySection = {
  kind: "defaults",
  lines: [
    ["log", "global"],
    ["mode", "tcp"],
    ["option", "dontlognull"],
    ["option", "dontlog-normal"],
    // Bounds a connection to a dead control plane, and the check's connect with its TLS handshake.
    ["timeout", "connect", "200ms"],
    ["retries", 3],
    ["option", "redispatch", 1],
    // `logs -f` and `exec` may be silent for long: 35 s would cut them.
    ["timeout", "client", "10m"],
    ["timeout", "server", "10m"],
    ["timeout", "tunnel", "4h"],
    ["timeout", "client-fin", "1s"],
    ["timeout", "server-fin", "1s"],
    ["option", "clitcpka"],
    ["option", "srvtcpka"],
  ],
};

/** For Keepalived and for a person on the machine. */
const STATUS: HaproxySection = {
  kind: "frontend",
  name: "status",
  lines: [
    ["mode", "http"],
    ["bind", `${ALIVE.address}:${ALIVE.port}`],
    ["timeout", "client", "5s"],
    ["timeout", "http-request", "2s"],
    ["monitor-uri", ALIVE.path],
    ["stats", "enable"],
    ["stats", "uri", "/stats"],
  ],
};

function apiFrontend({ site, machine }: Target): HaproxySection {
  const port = site.endpoint.port;
  return {
    kind: "frontend",
    name: "api",
    lines: [
      ["option", "tcplog"],
      ["bind", `${address(site.network.vip, site.name)}:${port}`],
      ["bind", `${address(machine.address, machine.name)}:${port}`],
      ["maxconn", MAX_CONNECTIONS],
      // Waiting for a backend would keep kubelets from starting static pods (kubernetes#99602).
      ["tcp-request", "connection", "reject", "if", "{", "nbsrv(controlplanes)", "eq", 0, "}"],
      ["default_backend", "controlplanes"],
    ],
  };
}

/**
 * A dead machine is noticed in 650 ms at most: 200 ms until the next check, two
 * connects of 200 ms and 50 ms between them; a client's failed connects speed
 * that up. An answer may take 3 s, because /readyz asks etcd and waits up to 2 s
 * while it elects a leader: that must not take every control plane out.
 */
function controlplanes(site: SitePlan): HaproxySection {
  const name = word(site.endpoint.name, "haproxy.cfg", HOST_NAME);
  return {
    kind: "backend",
    name: "controlplanes",
    lines: [
      ["balance", "leastconn"],
      ["option", "log-health-checks"],
      ["option", "httpchk"],
      ["http-check", "send", "meth", "GET", "uri", "/readyz", "ver", "HTTP/1.1", "hdr", "host", name],
      ["http-check", "expect", "status", 200],
      ["timeout", "check", "3s"],
      ["default-server", "check", "check-ssl", "check-alpn", "http/1.1", "check-sni", name],
      ["default-server", "verify", "required", "verifyhost", name, "ca-file", CLUSTER_CA],
      ["default-server", "inter", "200ms", "fastinter", "50ms", "downinter", "500ms", "fall", 2, "rise", 1],
      ["default-server", "observe", "layer4", "error-limit", 2, "on-error", "mark-down"],
      ["default-server", "on-marked-down", "shutdown-sessions"],
      ...machinesOf(site, "controlplane").map((machine) => server(machine, site.endpoint.port)),
    ],
  };
}

function server(machine: MachinePlan, port: number): HaproxyLine {
  return [
    "server",
    word(machine.name, "haproxy.cfg", HOST_NAME),
    `${address(machine.address, machine.name)}:${port}`,
  ];
}
