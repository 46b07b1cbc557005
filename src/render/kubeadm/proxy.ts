/** KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1): Services by nftables. */
import type { SitePlan } from "#plan/plan.ts";
import type { Platform } from "#render/files.ts";
import { network } from "../refuse.ts";

export function proxyConfiguration(platform: Platform, site: SitePlan): object {
  return {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    clusterCIDR: network(site.network.pods, site.name),
    detectLocalMode: "ClusterCIDR",
    ...(platform.ownKernel ? {} : { conntrack: UNTOUCHED }),
  };
}

/** Zero leaves the kernel's setting alone, which is the host's. */
const UNTOUCHED = {
  maxPerCore: 0,
  min: 0,
  tcpEstablishedTimeout: "0s",
  tcpCloseWaitTimeout: "0s",
};
