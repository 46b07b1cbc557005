/** The kinds of Kubernetes objects that convergence asks for, as the API's paths name them. */
import type { DaemonSet, Deployment } from "kubernetes-types/apps/v1.d.ts";
import type { Node, Pod } from "kubernetes-types/core/v1.d.ts";
import type { Resource } from "#ports/kube.ts";

export const NODES: Resource<Node> = { group: "", version: "v1", plural: "nodes" };
export const PODS: Resource<Pod> = { group: "", version: "v1", plural: "pods" };
export const DEPLOYMENTS: Resource<Deployment> = { group: "apps", version: "v1", plural: "deployments" };
export const DAEMON_SETS: Resource<DaemonSet> = { group: "apps", version: "v1", plural: "daemonsets" };

/** Whether the API counts a node as Ready. */
export function isReady(node: Node): boolean {
  return node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
}

/** Whether every replica is of its present form and available. */
export function isAvailable({ metadata, spec, status }: Deployment): boolean {
  const wanted = spec?.replicas ?? 1;
  return (
    status?.observedGeneration === metadata?.generation &&
    status?.updatedReplicas === wanted &&
    status?.availableReplicas === wanted &&
    status?.replicas === wanted
  );
}

/** Whether one of its pods is ready on every node that is to have one, and there is such a node. */
export function runsEverywhere(daemonSet: DaemonSet | undefined): boolean {
  const { metadata, status } = daemonSet ?? {};
  return (
    status !== undefined &&
    status.observedGeneration === metadata?.generation &&
    status.numberReady > 0 &&
    status.numberReady === status.desiredNumberScheduled
  );
}
