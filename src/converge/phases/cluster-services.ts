import type { DaemonSet } from "kubernetes-types/apps/v1.d.ts";
import type { Kube, ObjectRef } from "#ports/kube.ts";
import { apiReady } from "../kubeadm.ts";
import type { Change, Phase, SiteContext } from "../phase.ts";
import { DAEMON_SETS, isAvailable, runsEverywhere } from "../resources.ts";
import { waitFor } from "../wait.ts";
import { COREDNS } from "./cluster-dns.ts";

const READY_SECONDS = 180;
const KUBE_PROXY: ObjectRef<DaemonSet> = {
  resource: DAEMON_SETS,
  namespace: "kube-system",
  name: "kube-proxy",
};

export const clusterServices: Phase = {
  name: "cluster-services",
  title: "Cluster services",
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

async function kubeProxy(context: SiteContext, kube: Kube | undefined): Promise<readonly Change[]> {
  const runs = async (api: Kube | undefined) => runsEverywhere(await api?.find(KUBE_PROXY));
  if (await runs(kube)) return [];
  return [
    {
      subject: context.site.name,
      what: "see kube-proxy on every node",
      apply: async () => {
        const api = await context.kube();
        await waitFor("kube-proxy to run on every node", READY_SECONDS, async () =>
          (await runs(api)) ? true : undefined,
        );
      },
    },
  ];
}
