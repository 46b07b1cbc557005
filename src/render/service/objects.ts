/**
 * A service as plain Kubernetes objects: what a person would have written who
 * has the time to think of everything. The same service gives the same bytes.
 */
import type { Service } from "#model/service/service.ts";
import { INGRESS_CLASS, NAMESPACE, RETRY_LABEL, TRAEFIK as GATEWAY } from "../traefik/names.ts";
import { MANAGED_BY, MANAGED_BY_LABEL, type Manifest, manifest } from "./manifest.ts";
import { clusterService, ingress, type IngressController, networkPolicy, panelRoute } from "./network.ts";
import { disruptionBudget, workload } from "./workload.ts";

const TRAEFIK: IngressController = {
  namespace: NAMESPACE,
  className: INGRESS_CLASS,
  gateway: { name: GATEWAY, listener: "websecure" },
  retryLabel: RETRY_LABEL,
};

export interface ServiceObjects {
  /** What goes to each site; the namespace first, what runs the pods last. */
  readonly objects: readonly Manifest[];
  /** What spreads a total over the sites, for the hub alone. */
  readonly preference?: Manifest;
}

export function serviceObjects(service: Service, controller: IngressController = TRAEFIK): ServiceObjects {
  return {
    objects: [
      namespaceOf(service),
      manifest(service, "v1", "ServiceAccount", { automountServiceAccountToken: false }),
      networkPolicy(service, controller),
      ...(service.ports.length > 0 ? [clusterService(service)] : []),
      ...(service.hosts.length > 0 ? [ingress(service, controller)] : []),
      ...(service.panels.length > 0 ? [panelRoute(service, controller)] : []),
      disruptionBudget(service),
      workload(service),
    ],
    ...(service.replicas.kind === "total" && { preference: preferenceOf(service, service.replicas.count) }),
  };
}

/** Baseline, because services that are trusted more may share it: each pod restricts itself. */
function namespaceOf({ namespace }: Service): Manifest {
  const labels = {
    [MANAGED_BY_LABEL]: MANAGED_BY,
    "pod-security.kubernetes.io/enforce": "baseline",
    "pod-security.kubernetes.io/warn": "restricted",
  };
  return { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels } };
}

function preferenceOf(service: Service, totalReplicas: number): Manifest {
  const { placement } = service;
  const named = placement.kind === "sites" ? placement.sites : ["*"];
  return manifest(service, "scheduling.kubefed.io/v1alpha1", "ReplicaSchedulingPreference", {
    spec: {
      targetKind: "FederatedDeployment",
      totalReplicas,
      rebalance: true,
      // A list of sites is named below; labels are the placement's own selector.
      intersectWithClusterSelector: placement.kind !== "sites",
      clusters: Object.fromEntries(named.map((site) => [site, { weight: 1 }])),
    },
  });
}
