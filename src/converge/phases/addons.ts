import type { DaemonSet, Deployment } from "kubernetes-types/apps/v1.d.ts";
import type { Kube, ObjectRef } from "#ports/kube.ts";
import { apiReady } from "../kubeadm.ts";
import type { Change, Phase, SiteContext } from "../phase.ts";
import { DAEMON_SETS, DEPLOYMENTS } from "../resources.ts";
import { waitFor } from "../wait.ts";

const READY_SECONDS = 180;
const COREDNS: ObjectRef<Deployment> = { resource: DEPLOYMENTS, namespace: "kube-system", name: "coredns" };
const KUBE_PROXY: ObjectRef<DaemonSet> = {
  resource: DAEMON_SETS,
  namespace: "kube-system",
  name: "kube-proxy",
};

/**
 * kubeadm starts both replicas of CoreDNS on the only node it knows, and nothing
 * moves them later: the spread is ours. It is by server, the thing that dies whole.
 */
const SPREAD = {
  maxSkew: 1,
  topologyKey: "topology.kubernetes.io/zone",
  whenUnsatisfiable: "ScheduleAnyway",
  labelSelector: { matchLabels: { "k8s-app": "kube-dns" } },
  matchLabelKeys: ["pod-template-hash"],
};

const SPREAD_PATCH = { spec: { template: { spec: { topologySpreadConstraints: [SPREAD] } } } };

export const addons: Phase = {
  name: "add-ons",
  title: "Add-ons",
  concurrency: 2,
  changes: async (context) => {
    const known = (await context.keyring.complete()) && (await apiReady(context));
    const kube = known ? await context.kube() : undefined;
    const changes = await Promise.all([coredns(context, kube), kubeProxy(context, kube)]);
    return changes.flat();
  },
};

async function coredns(context: SiteContext, kube: Kube | undefined): Promise<readonly Change[]> {
  const found = await kube?.find(COREDNS);
  if (found && isSpread(found) && isAvailable(found)) return [];
  return [
    {
      subject: context.site.name,
      what: "spread CoreDNS over the servers and see it available",
      apply: async () => {
        const api = await context.kube();
        await waitFor("CoreDNS to be there", READY_SECONDS, () => api.find(COREDNS));
        await api.patch(COREDNS, SPREAD_PATCH);
        await waitFor("CoreDNS to be available", READY_SECONDS, async () => {
          const now = await api.find(COREDNS);
          return now && isAvailable(now) ? true : undefined;
        });
      },
    },
  ];
}

function isSpread(deployment: Deployment): boolean {
  const constraints = deployment.spec?.template.spec?.topologySpreadConstraints ?? [];
  return constraints.some(({ topologyKey }) => topologyKey === SPREAD.topologyKey);
}

function isAvailable({ metadata, spec, status }: Deployment): boolean {
  const wanted = spec?.replicas ?? 1;
  return (
    status?.observedGeneration === metadata?.generation &&
    status?.updatedReplicas === wanted &&
    status?.availableReplicas === wanted &&
    status?.replicas === wanted
  );
}

async function kubeProxy(context: SiteContext, kube: Kube | undefined): Promise<readonly Change[]> {
  const runsEverywhere = async (api: Kube | undefined) => {
    const status = (await api?.find(KUBE_PROXY))?.status;
    return (
      status !== undefined && status.numberReady > 0 && status.numberReady === status.desiredNumberScheduled
    );
  };
  if (await runsEverywhere(kube)) return [];
  return [
    {
      subject: context.site.name,
      what: "see kube-proxy on every node",
      apply: async () => {
        const api = await context.kube();
        await waitFor("kube-proxy to run on every node", READY_SECONDS, async () =>
          (await runsEverywhere(api)) ? true : undefined,
        );
      },
    },
  ];
}
