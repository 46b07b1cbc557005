/** What holds where the file is silent. */
import type { ComponentKind, Role, Size } from "./federation.ts";

export const KUBERNETES = "v1.36.3";
export const CONTROL_PLANES = 3;
export const DOM0_MEMORY = "2GiB";
export const WORKERS = 1;
export const VIRTUALIZATION = "pv";

/**
 * How often things fail and how long they are then gone. Assumptions of ours for
 * a home or an office, on the careful side, not measurements: put your own into
 * `reliability`. What restarts by itself is gone for a minute; hardware is
 * replaced a day later; a place that burns is another one after two weeks.
 */
export const RELIABILITY: Readonly<Record<ComponentKind, { mtbf: string; mttr: string }>> = {
  site: { mtbf: "100y", mttr: "14d" },
  feed: { mtbf: "1y", mttr: "2h" },
  switch: { mtbf: "10y", mttr: "1d" },
  router: { mtbf: "5y", mttr: "1d" },
  line: { mtbf: "90d", mttr: "6h" },
  address: { mtbf: "10y", mttr: "1d" },
  server: { mtbf: "5y", mttr: "1d" },
  controller: { mtbf: "50y", mttr: "1d" },
  disk: { mtbf: "70y", mttr: "1d" },
  device: { mtbf: "50y", mttr: "1d" },
  machine: { mtbf: "1y", mttr: "10min" },
  haproxy: { mtbf: "1y", mttr: "1min" },
  keepalived: { mtbf: "1y", mttr: "1min" },
  nameserver: { mtbf: "1y", mttr: "1min" },
  apiserver: { mtbf: "1y", mttr: "1min" },
  etcd: { mtbf: "1y", mttr: "1min" },
  containerd: { mtbf: "1y", mttr: "1min" },
  backup: { mtbf: "20y", mttr: "7d" },
};

/** The beta factor of common-cause analysis; 5 % is what it is usually put at for alike machines. */
export const COMMON_CAUSE = "5%";

/** What a machine of each role gets; for workers the least, since they take the rest of their server. */
export const SIZES: Readonly<Record<Role, Size>> = {
  ecam: { cpus: 1, memoryMiB: 512, diskGiB: 4 },
  controlplane: { cpus: 2, memoryMiB: 4096, diskGiB: 32 },
  worker: { cpus: 2, memoryMiB: 4096, diskGiB: 40 },
};

/**
 * The least a role runs with. For a control plane these are kubeadm's own
 * preflight limits (2 CPUs, 1700 MB); for a worker what kubelet, containerd and
 * the add-ons of each node occupy.
 */
export const LEAST_SIZES: Readonly<Record<Role, Size>> = {
  ecam: { cpus: 1, memoryMiB: 128, diskGiB: 2 },
  controlplane: { cpus: 2, memoryMiB: 1700, diskGiB: 8 },
  worker: { cpus: 1, memoryMiB: 1024, diskGiB: 8 },
};
