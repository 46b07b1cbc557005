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
import { ECAM_PANEL_PORT, ecamPanelPath } from "./panel.ts";

/** Where Keepalived asks whether HAProxy lives, on loopback only. */
export const ALIVE = { address: "127.0.0.1", port: 8404, path: "/alive" } as const;

/** The cluster's CA, which HAProxy trusts for its health checks; brought by `converge`. */
export const CLUSTER_CA = "/etc/panopticon/pki/ca.crt";

const MAX_CONNECTIONS = 8192;

export function haproxyFile(target: Target): RenderedFile {
  const content = emitHaproxy([
    GLOBAL,
    DEFAULTS,
    STATUS,
    ...panel(target),
    apiFrontend(target),
    controlplanes(target.site),
    readiness(target.site),
  ]);
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
    ["timeout", "connect", "5s"],
    // `logs -f` and `exec` may be silent for long: 35 s would cut them.
    ["timeout", "client", "10m"],
    ["timeout", "server", "10m"],
    ["timeout", "tunnel", "4h"],
    ["timeout", "client-fin", "1s"],
    ["timeout", "server-fin", "1s"],
    ["option", "clitcpka"],
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

/**
 * The statistics once more for Traefik, which asks for a credential and runs on
 * the workers: nobody else is heard. It shows, and changes nothing.
 */
function panel({ site, machine }: Target): readonly HaproxySection[] {
  const workers = machinesOf(site, "worker").map((worker) => address(worker.address, worker.name));
  if (workers.length === 0) return [];
  const path = ecamPanelPath(word(machine.name, "haproxy.cfg", HOST_NAME));
  const lines: readonly HaproxyLine[] = [
    ["mode", "http"],
    ["bind", `${address(machine.address, machine.name)}:${ECAM_PANEL_PORT}`],
    ["maxconn", 64],
    ["timeout", "client", "5s"],
    ["timeout", "http-request", "2s"],
    ["tcp-request", "connection", "reject", "unless", "{", "src", ...workers, "}"],
    ["stats", "enable"],
    ["stats", "uri", path],
    ["stats", "hide-version"],
    ["stats", "refresh", "10s"],
    ["http-request", "deny", "deny_status", 404, "unless", "{", "path_beg", path, "}"],
  ];
  return [{ kind: "frontend", name: "panel", lines }];
}

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
 * A control plane that is dead and one that is slow are told apart: under load
 * all of them are slow at once, and cutting every client off would only add to
 * it. Here a server counts as up while its kernel takes connections; only when
 * that ends are its sessions cut, 650 ms after at most: 200 ms until the next
 * check, two connects of 200 ms and 50 ms between them. `readiness` chooses who
 * gets new connections, and where none is ready any that lives does.
 */
function controlplanes(site: SitePlan): HaproxySection {
  const machines = machinesOf(site, "controlplane");
  return {
    kind: "backend",
    name: "controlplanes",
    lines: [
      ["balance", "roundrobin"],
      // A client's connect to a dead machine, and the check's, fail after this; the client is sent on to another.
      ["timeout", "connect", "200ms"],
      ["retries", 3],
      ["option", "redispatch", 1],
      // What waits for a dead machine's answer ends after `tcp-ut`; what is idle is probed.
      ["option", "srvtcpka"],
      ["srvtcpka-idle", "3s"],
      ["srvtcpka-intvl", "1s"],
      ["srvtcpka-cnt", 3],
      ["default-server", "on-marked-down", "shutdown-sessions"],
      ["default-server", "check", "inter", "200ms", "fastinter", "50ms", "fall", 2, "rise", 1],
      ["default-server", "observe", "layer4", "error-limit", 2, "on-error", "mark-down"],
      // `tcp-ut` stands on each line because HAProxy does not take it over from default-server.
      ...machines.map((machine) => [...server(machine, site.endpoint.port), "tcp-ut", "300ms"]),
      ...machines.map((machine, index) => share(machine, index, machines.length)),
      ...machines.map(ifReady),
    ],
  };
}

/** Each ready server gets its share of the clients' ports. */
function share(machine: MachinePlan, index: number, count: number): HaproxyLine {
  return [...ifReady(machine), "{", `src_port,mod(${count})`, "eq", index, "}"];
}

/** What is left over, since its server is not ready, goes to the first that is. */
function ifReady(machine: MachinePlan): HaproxyLine {
  return ["use-server", machine.name, "if", "{", `srv_is_up(readiness/${machine.name})`, "}"];
}

/**
 * Asks each API server itself, over TLS that the cluster's CA vouches for. Slow
 * to condemn: /readyz asks etcd, which may take 2 s to elect a leader, and a
 * TLS handshake on a busy machine may wait as long.
 */
function readiness(site: SitePlan): HaproxySection {
  const name = word(site.endpoint.name, "haproxy.cfg", HOST_NAME);
  return {
    kind: "backend",
    name: "readiness",
    lines: [
      ["option", "log-health-checks"],
      ["option", "httpchk"],
      ["http-check", "send", "meth", "GET", "uri", "/readyz", "ver", "HTTP/1.1", "hdr", "host", name],
      ["http-check", "expect", "status", 200],
      ["timeout", "connect", "2s"],
      ["timeout", "check", "4s"],
      ["default-server", "check", "check-ssl", "check-alpn", "http/1.1", "check-sni", name],
      ["default-server", "verify", "required", "verifyhost", name, "ca-file", CLUSTER_CA],
      ["default-server", "inter", "5s", "fastinter", "1s", "downinter", "1s", "fall", 2, "rise", 1],
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
