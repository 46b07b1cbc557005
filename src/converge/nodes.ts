/** What is known of a Kubernetes node: from its own disk, from etcd, from the API. */
import type { MachinePlan } from "#plan/plan.ts";
import { DONE_MARK } from "#render/kubeadm/steps.ts";
import type { SiteContext } from "./phase.ts";
import { existing } from "./remote.ts";

const KUBELET_CONF = "/etc/kubernetes/kubelet.conf";
const API_MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml";
const ETCD_DATA = "/var/lib/etcd/member";

/** What a machine's disk tells of the steps that kubeadm took there. */
export interface NodeDisk {
  readonly kubelet: boolean;
  readonly manifests: boolean;
  readonly etcd: boolean;
  readonly done: boolean;
}

const BLANK: NodeDisk = { kubelet: false, manifests: false, etcd: false, done: false };

async function nodeDisk(context: SiteContext, machine: string): Promise<NodeDisk> {
  const found = await existing(context, machine, [KUBELET_CONF, API_MANIFEST, ETCD_DATA, DONE_MARK]);
  return {
    kubelet: found.has(KUBELET_CONF),
    manifests: found.has(API_MANIFEST),
    etcd: found.has(ETCD_DATA),
    done: found.has(DONE_MARK),
  };
}

/**
 * `joined`: kubeadm went to its end here. `blank`: it never started. `half`: it
 * was cut off, and what it left must be cleared before it can start again.
 */
export type NodeState = "joined" | "blank" | "half";

export function classify(disk: NodeDisk): NodeState {
  if (disk.done && disk.kubelet) return "joined";
  return disk.kubelet || disk.manifests || disk.etcd || disk.done ? "half" : "blank";
}

/** The states of several machines; one that is off counts as blank. */
export async function nodeStates(
  context: SiteContext,
  machines: readonly MachinePlan[],
  up: ReadonlySet<string>,
): Promise<ReadonlyMap<string, NodeState>> {
  const states = await Promise.all(
    machines.map(async ({ name }) => {
      const disk = up.has(name) ? await nodeDisk(context, name) : BLANK;
      return [name, classify(disk)] as const;
    }),
  );
  return new Map(states);
}
