import { machinesOf } from "#plan/plan.ts";
import { type Kube, KubeError } from "#ports/kube.ts";
import { apiReady } from "../kubeadm.ts";
import type { Phase, SiteContext } from "../phase.ts";
import { isReady, NODES } from "../resources.ts";
import { waitFor } from "../wait.ts";

const READY_SECONDS = 180;

export const network: Phase = {
  name: "network",
  title: "Network",
  concurrency: 1,
  changes: async (context) => {
    const unready = await unreadyNodes(context);
    if (unready.length === 0) return [];
    return [
      {
        subject: context.site.name,
        what: `see ${unready.join(", ")} Ready`,
        apply: async () => {
          await waitFor(`all nodes of ${context.site.name} to be Ready`, READY_SECONDS, async () =>
            (await unreadyNodes(context)).length === 0 ? true : undefined,
          );
        },
      },
    ];
  },
};

/** Planned nodes that the API does not know as Ready; all of them where it does not answer yet. */
async function unreadyNodes(context: SiteContext): Promise<readonly string[]> {
  const planned = [...machinesOf(context.site, "controlplane"), ...machinesOf(context.site, "worker")];
  const ready = await readyNodes(context);
  return planned.map(({ name }) => name).filter((name) => !ready?.has(name));
}

/**
 * Names of the nodes that are Ready and whose kubelet answers now: for some
 * seconds the API still counts a node as Ready that has just lost its power.
 * Undefined where the API cannot be asked.
 */
export async function readyNodes(context: SiteContext): Promise<ReadonlySet<string> | undefined> {
  if (!(await context.keyring.complete()) || !(await apiReady(context))) return undefined;
  const kube = await context.kube();
  const { items } = await kube.list({ resource: NODES });
  const names = items.filter(isReady).map((node) => node.metadata?.name ?? "");
  const alive = await Promise.all(names.map((name) => kubeletAnswers(kube, name)));
  return new Set(names.filter((_name, index) => alive[index]));
}

async function kubeletAnswers(kube: Kube, node: string): Promise<boolean> {
  try {
    return (await kube.raw(`/api/v1/nodes/${node}/proxy/healthz`, { timeoutSeconds: 3 })).status === 200;
  } catch (error) {
    if (error instanceof KubeError) return false;
    throw error;
  }
}
