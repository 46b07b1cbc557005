/** The services of a machine and which files each reads: who must be restarted when a file changed. */
import type { Role } from "#model/federation.ts";

export interface Service {
  readonly unit: string;
  /** Beginnings of the paths it reads when it starts. */
  readonly reads: readonly string[];
  /** Whether it can take new files without dropping what it holds. */
  readonly reloads?: boolean;
  /** Whether something else starts it, when there is something to start with. */
  readonly onDemand?: boolean;
}

const GROUND: Service = {
  unit: "panopticon-ground.service",
  reads: ["/usr/local/lib/panopticon/ground", "/etc/sysctl.d/", "/etc/systemd/system/panopticon-ground.service"],
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

const MASQUERADE: Service = {
  unit: "panopticon-masquerade.service",
  reads: ["/etc/panopticon/masquerade.nft", "/etc/systemd/system/panopticon-masquerade.service"],
};

const CONTAINERD: Service = {
  unit: "containerd.service",
  reads: ["/etc/containerd/", "/etc/systemd/system/containerd.service"],
};

/** kubeadm starts it; until then it has no configuration. */
const KUBELET: Service = { unit: "kubelet.service", reads: ["/etc/systemd/system/kubelet.service"], onDemand: true };

const NODE: readonly Service[] = [GROUND, MASQUERADE, CONTAINERD, KUBELET];

/** In the order they are started. */
export const SERVICES: Readonly<Record<Role, readonly Service[]>> = {
  ecam: [GROUND, HAPROXY, KEEPALIVED],
  controlplane: NODE,
  worker: NODE,
};

/**
 * The commands that make a machine use files that were just written. Each
 * service sees its own files at once, and no other is disturbed.
 */
export function reactions(
  role: Role,
  networkInterface: string,
  paths: readonly string[],
): readonly (readonly string[])[] {
  const changed = (prefixes: readonly string[]) =>
    paths.some((path) => prefixes.some((prefix) => path.startsWith(prefix)));
  const services = SERVICES[role];
  const units = (some: readonly Service[]) => some.map(({ unit }) => unit);
  const stale = services.filter(({ reads }) => changed(reads));
  const restarted = units(stale.filter(({ reloads, onDemand }) => !reloads && !onDemand));
  const reloaded = units(stale.filter(({ reloads }) => reloads));
  const retried = units(stale.filter(({ onDemand }) => onDemand));
  return [
    ...(changed(["/etc/systemd/system/"]) ? [["systemctl", "daemon-reload"]] : []),
    ...(changed(["/etc/systemd/network/"])
      ? [
          ["networkctl", "reload"],
          ["networkctl", "reconfigure", networkInterface],
        ]
      : []),
    ["systemctl", "enable", "--quiet", ...units(services)],
    ...(restarted.length > 0 ? [["systemctl", "restart", ...restarted]] : []),
    ...(reloaded.length > 0 ? [["systemctl", "reload-or-restart", ...reloaded]] : []),
    ...(retried.length > 0 ? [["systemctl", "try-restart", ...retried]] : []),
    ["systemctl", "start", ...units(services.filter(({ onDemand }) => !onDemand))],
  ];
}
