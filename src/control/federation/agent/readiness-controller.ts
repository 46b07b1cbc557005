/** At the hub: which sites are ready, by their heartbeats. */
import { keyOf } from "#control/runtime/cache.ts";
import type { Controller, Input } from "#control/runtime/controller.ts";
import type { KubeObject } from "#ports/kube.ts";
import type { ClusterCondition, KubeFedCluster } from "../api/cluster.ts";
import { SYSTEM_NAMESPACE } from "../api/names.ts";
import { leaseName } from "./heartbeat-controller.ts";
import { CLUSTERS, LEASES } from "./resources.ts";
import type { Term } from "./term.ts";

/** Three heartbeats in a row that did not come. */
const LOST_SECONDS = 16;

export function readinessController({ clock }: Term): Controller {
  const clusters: Input<KubeFedCluster> = {
    cluster: "hub",
    resource: CLUSTERS,
    namespace: SYSTEM_NAMESPACE,
    work: ({ object }) => [{ group: "clusters", key: object.metadata?.name ?? "" }],
  };
  const leases: Input<KubeObject & { readonly spec?: { readonly renewTime?: string } }> = {
    cluster: "hub",
    resource: LEASES,
    namespace: SYSTEM_NAMESPACE,
    work: ({ object }) => [{ group: "clusters", key: (object.metadata?.name ?? "").replace(/^site-/, "") }],
  };
  // When a lease was seen to change, on our own clock: the sites' clocks do not matter.
  const seen = new Map<string, { readonly renewed: string | undefined; readonly at: number }>();
  return {
    name: "readiness",
    inputs: [clusters, leases],
    outputs: [{ cluster: "hub", group: CLUSTERS.group, plural: CLUSTERS.plural, part: "status" }],
    async reconcile({ key }, context, signal) {
      const cluster = context.cache(clusters).get(`${SYSTEM_NAMESPACE}/${key}`);
      if (!cluster) return undefined;
      const lease = context.cache(leases).get(`${SYSTEM_NAMESPACE}/${leaseName(key)}`);
      const renewed = lease?.spec?.renewTime;
      const before = seen.get(key);
      const now = clock.now();
      const at = before?.renewed === renewed && before ? before.at : now;
      seen.set(key, { renewed, at });
      const left = at + LOST_SECONDS * 1000 - now;
      const ready = renewed !== undefined && left > 0;
      if (readyIn(cluster) !== ready) {
        const conditions = conditionsOf(key, ready, renewed, clock.wall());
        const ref = {
          resource: CLUSTERS,
          namespace: SYSTEM_NAMESPACE,
          name: keyOf(cluster).split("/")[1] ?? "",
        };
        await context
          .kube("hub")
          .patch({ ...ref, subresource: "status" }, { status: { conditions } }, { signal });
      }
      return ready ? { afterSeconds: left / 1000 + 0.1 } : undefined;
    },
  };
}

/** Undefined where nothing was said yet. */
export function readyIn({ status }: KubeFedCluster): boolean | undefined {
  const condition = status?.conditions.find(({ type }) => type === "Ready");
  return condition && condition.status === "True";
}

function conditionsOf(
  site: string,
  ready: boolean,
  renewed: string | undefined,
  now: Date,
): readonly ClusterCondition[] {
  const time = now.toISOString().replace(/\.\d+Z$/, "Z");
  const times = { lastProbeTime: time, lastTransitionTime: time };
  if (ready)
    return [
      {
        type: "Ready",
        status: "True",
        reason: "ClusterReady",
        message: `the agent of ${site} is heard`,
        ...times,
      },
    ];
  const message =
    renewed === undefined
      ? `no agent of ${site} was ever heard`
      : `the agent of ${site} was not heard for ${LOST_SECONDS} s; what is placed there goes on without the hub`;
  return [
    { type: "Ready", status: "False", reason: "ClusterNotReachable", message, ...times },
    { type: "Offline", status: "True", reason: "ClusterNotReachable", message, ...times },
  ];
}
