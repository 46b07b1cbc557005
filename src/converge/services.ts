/** The services of a machine and which files each reads: who must be restarted when a file changed. */
import type { Role } from "#model/federation.ts";
import type { Platform } from "#render/files.ts";
import { PROGRAM } from "#render/ecam/program-unit.ts";

export interface Service {
  readonly unit: string;
  /** Beginnings of the paths it reads when it starts. */
  readonly reads: readonly string[];
  /** Whether it can take new files without dropping what it holds. */
  readonly reloads?: boolean;
  /** A path without which it has nothing to start with, and is not missed. */
  readonly needs?: string;
}

const GROUND: Service = {
  unit: "panopticon-ground.service",
  reads: [
    "/usr/local/lib/panopticon/ground",
    "/etc/sysctl.d/",
    "/etc/systemd/system/panopticon-ground.service",
  ],
};

/** A kernel of the machine's own gets its modules, and then its settings, from systemd. */
const MODULES: Service = { unit: "systemd-modules-load.service", reads: ["/etc/modules-load.d/"] };
const SETTINGS: Service = {
  unit: "systemd-sysctl.service",
  reads: ["/etc/sysctl.d/", "/etc/modules-load.d/"],
};

const HAPROXY: Service = {
  unit: "haproxy.service",
  reads: ["/etc/haproxy/", "/etc/panopticon/pki/", "/etc/systemd/system/haproxy.service"],
  reloads: true,
};

const KEEPALIVED: Service = {
  unit: "keepalived.service",
  reads: ["/etc/keepalived/", "/etc/systemd/system/keepalived.service"],
};

const KNOT: Service = {
  unit: "knot.service",
  reads: ["/etc/knot/", "/etc/panopticon/names/", "/etc/systemd/system/knot.service"],
};

/** Its program is brought after its files. */
export const STEERING: Service = {
  unit: "panopticon-steering.service",
  reads: ["/etc/panopticon/steering/", "/etc/systemd/system/panopticon-steering.service"],
  needs: PROGRAM,
};

/** Likewise. */
export const WATCHDOG: Service = {
  unit: "panopticon-watchdog.service",
  reads: [
    "/etc/panopticon/watchdog/",
    "/etc/panopticon/pki/",
    "/etc/systemd/system/panopticon-watchdog.service",
  ],
  needs: PROGRAM,
};

const MASQUERADE: Service = {
  unit: "panopticon-masquerade.service",
  reads: ["/etc/panopticon/masquerade.nft", "/etc/systemd/system/panopticon-masquerade.service"],
};

const CONTAINERD: Service = {
  unit: "containerd.service",
  reads: ["/etc/containerd/", "/etc/systemd/system/containerd.service"],
};

/** kubeadm writes its configuration and starts it; after a reboot it starts by itself. */
const KUBELET: Service = {
  unit: "kubelet.service",
  reads: ["/etc/systemd/system/kubelet.service"],
  needs: "/var/lib/kubelet/config.yaml",
};

/** What services are asked of: the platform as far as they depend on it. */
type Kernel = Pick<Platform, "interface" | "ownKernel">;

/** The services of a role, in the order they are started. */
export function servicesOf(role: Role, { ownKernel }: Kernel): readonly Service[] {
  if (role === "ecam") {
    return [ownKernel ? SETTINGS : GROUND, HAPROXY, KNOT, STEERING, WATCHDOG, KEEPALIVED];
  }
  return [...(ownKernel ? [MODULES, SETTINGS] : [GROUND]), MASQUERADE, CONTAINERD, KUBELET];
}

/**
 * The commands that make a machine use files that were just written. Each
 * service that runs sees its own files at once, and no other is disturbed; what
 * does not run is started last, by its new files.
 * @param down units that did not run before.
 */
export function reactions(
  role: Role,
  platform: Kernel,
  paths: readonly string[],
  down: readonly string[],
): readonly (readonly string[])[] {
  const changed = (prefixes: readonly string[]) =>
    paths.some((path) => prefixes.some((prefix) => path.startsWith(prefix)));
  const services = servicesOf(role, platform);
  const stale = services.filter(({ reads, unit }) => changed(reads) && !down.includes(unit));
  const reloaded = stale.filter(({ reloads }) => reloads).map(({ unit }) => unit);
  const restarted = stale.filter(({ reloads }) => !reloads).map(({ unit }) => unit);
  const anyRestart = stale.length > 0;
  return [
    ...(changed(["/etc/systemd/network/"])
      ? [
          ["networkctl", "reload"],
          ["networkctl", "reconfigure", platform.interface],
        ]
      : []),
    ...(anyRestart && changed(["/etc/systemd/system/"]) ? [["systemctl", "daemon-reload"]] : []),
    ...(restarted.length > 0 ? [["systemctl", "try-restart", ...restarted]] : []),
    ...(reloaded.length > 0 ? [["systemctl", "try-reload-or-restart", ...reloaded]] : []),
    // Enabling reads the units anew by itself; one whose configuration is not there yet is passed over.
    ["systemctl", "enable", "--quiet", "--now", ...services.map(({ unit }) => unit)],
  ];
}
