/** KubeletConfiguration (kubelet.config.k8s.io/v1beta1): one for all nodes of a site. */
import type { SitePlan } from "#plan/plan.ts";
import type { Platform } from "#render/files.ts";
import { address } from "../refuse.ts";

const TYPE = { apiVersion: "kubelet.config.k8s.io/v1beta1", kind: "KubeletConfiguration" } as const;

export function kubeletConfiguration(platform: Platform, site: SitePlan): object {
  return {
    ...TYPE,
    clusterDomain: "cluster.local",
    clusterDNS: [address(site.network.clusterDns, site.name)],
    resolvConf: "/etc/resolv.conf",
    cgroupDriver: platform.cgroup === "v2" ? "systemd" : "cgroupfs",
    rotateCertificates: true,
    // Whoever asks a kubelet can tell that it is one: its certificate is the cluster's, by a request that the ECAMs approve.
    serverTLSBootstrap: true,
    // The lease is renewed at a quarter of its duration, every 2 s; each renewal is a write to every etcd member's disk.
    nodeLeaseDurationSeconds: 8,
    nodeStatusUpdateFrequency: "2s",
    // Left out it would follow the line above and write every node's status to etcd every 2 s, changed or not.
    nodeStatusReportFrequency: "5m",
    crashLoopBackOff: { maxContainerRestartPeriod: "30s" },
    serializeImagePulls: false,
    maxParallelImagePulls: 4,
    ...(platform.name === "lab" ? LAB : {}),
    // Refused by default since Kubernetes 1.35.
    ...(platform.cgroup === "v1" ? { failCgroupV1: false } : {}),
  };
}

/** The box's memory, swap and disk are not the node's to judge: no eviction, and no image is deleted for room. */
const LAB = {
  failSwapOn: false,
  imageGCHighThresholdPercent: 100,
  imageGCLowThresholdPercent: 99,
  evictionHard: {
    "memory.available": "0%",
    "nodefs.available": "0%",
    "nodefs.inodesFree": "0%",
    "imagefs.available": "0%",
    "imagefs.inodesFree": "0%",
  },
};

/** On control planes: an API server that came before its etcd is tried again at once. */
export function kubeletPatch(): object {
  return { ...TYPE, crashLoopBackOff: { maxContainerRestartPeriod: "1s" } };
}
