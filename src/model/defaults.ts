/** What holds where the file is silent. */
import type { Role, Size } from "./federation.ts";

export const KUBERNETES = "v1.36.3";
export const CONTROL_PLANES = 3;
export const DOM0_MEMORY = "2GiB";
export const WORKERS = 1;

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
