import { machinesOf } from "#plan/plan.ts";
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

/** Names of the nodes that are Ready; undefined where the API cannot be asked. */
export async function readyNodes(context: SiteContext): Promise<ReadonlySet<string> | undefined> {
  if (!(await context.keyring.complete()) || !(await apiReady(context))) return undefined;
  const { items } = await (await context.kube()).list({ resource: NODES });
  return new Set(items.filter(isReady).map((node) => node.metadata?.name ?? ""));
}
