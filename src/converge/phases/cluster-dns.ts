import type { Deployment } from "kubernetes-types/apps/v1.d.ts";
import { machinesOf, type SitePlan } from "#plan/plan.ts";
import type { Applied, ObjectRef } from "#ports/kube.ts";
import { apiReady } from "../kubeadm.ts";
import type { Phase } from "../phase.ts";
import { DEPLOYMENTS } from "../resources.ts";
import { waitFor } from "../wait.ts";

const THERE_SECONDS = 60;

export const COREDNS: ObjectRef<Deployment> = {
  resource: DEPLOYMENTS,
  namespace: "kube-system",
  name: "coredns",
};

/**
 * kubeadm would start both replicas of CoreDNS on the only node it knows, and
 * nothing moves them later. With this the second one waits for a second server,
 * the thing that dies whole.
 */
export const clusterDns: Phase = {
  name: "cluster-dns",
  title: "Cluster DNS",
  concurrency: 1,
  changes: async (context) => {
    const known = (await context.keyring.complete()) && (await apiReady(context));
    const found = known ? await (await context.kube()).find(COREDNS) : undefined;
    if (found && isSpread(found)) return [];
    const apply = async () => {
      const api = await context.kube();
      await waitFor("CoreDNS to be there", THERE_SECONDS, () => api.find(COREDNS));
      await api.apply(COREDNS, spread(context.site));
    };
    return [{ subject: context.site.name, what: "spread CoreDNS over the servers", apply }];
  },
};

const SERVER_LABEL = "topology.kubernetes.io/zone";

function spread(site: SitePlan): Applied<Deployment> {
  const servers = new Set(machinesOf(site, "controlplane").map(({ server }) => server)).size;
  const constraint = {
    maxSkew: 1,
    minDomains: Math.min(2, servers),
    topologyKey: SERVER_LABEL,
    whenUnsatisfiable: "DoNotSchedule",
    labelSelector: { matchLabels: { "k8s-app": "kube-dns" } },
    matchLabelKeys: ["pod-template-hash"],
  };
  // A new replica is asked soon whether it is ready; kubeadm's 10 s are the longest wait of a bring-up.
  const container = { name: "coredns", readinessProbe: { periodSeconds: 2 } };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: COREDNS.name },
    spec: {
      selector: { matchLabels: { "k8s-app": "kube-dns" } },
      template: { spec: { containers: [container], topologySpreadConstraints: [constraint] } },
    },
  };
}

function isSpread(deployment: Deployment): boolean {
  const constraints = deployment.spec?.template.spec?.topologySpreadConstraints ?? [];
  return constraints.some(({ topologyKey }) => topologyKey === SERVER_LABEL);
}
