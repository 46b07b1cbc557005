import type { DaemonSet, Deployment } from "kubernetes-types/apps/v1.d.ts";
import type { Kube, ObjectRef } from "#ports/kube.ts";
import { apiReady } from "../kubeadm.ts";
import type { Change, Phase, SiteContext } from "../phase.ts";
import { DAEMON_SETS } from "../resources.ts";
import { waitFor } from "../wait.ts";
import { COREDNS } from "./cluster-dns.ts";

const READY_SECONDS = 180;
const KUBE_PROXY: ObjectRef<DaemonSet> = {
  resource: DAEMON_SETS,
  namespace: "kube-system",
  name: "kube-proxy",
};

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
  if (found && isAvailable(found)) return [];
  const apply = async () => {
    const api = await context.kube();
    await waitFor("CoreDNS to be available", READY_SECONDS, async () => {
      const now = await api.find(COREDNS);
      return now && isAvailable(now) ? true : undefined;
    });
  };
  return [{ subject: context.site.name, what: "see every replica of CoreDNS answer", apply }];
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
