/**
 * A service as plain Kubernetes objects: what a person would have written who
 * has the time to think of everything. The same service gives the same bytes.
 */
import { stableJson } from "#base/hash.ts";
import type { Service } from "#model/service/service.ts";
import { labelsOf, MANAGED_BY, MANAGED_BY_LABEL, type Manifest, manifest } from "./manifest.ts";
import { clusterService, ingress, type IngressController, networkPolicy } from "./network.ts";
import { disruptionBudget, workload } from "./workload.ts";

/** As Traefik's own chart installs it. */
const TRAEFIK: IngressController = { namespace: "traefik", className: "traefik" };

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
      ...(service.panels.length > 0 ? [panelList(service)] : []),
      ...(service.ports.length > 0 ? [clusterService(service)] : []),
      ...(service.hosts.length > 0 ? [ingress(service, controller)] : []),
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

/** What panels it offers, for whoever shows panels. */
function panelList(service: Service): Manifest {
  const { name, namespace } = service;
  const labels = { ...labelsOf(service), "panopticon.dev/panels": "true" };
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: `${name}-panels`, namespace, labels },
    data: { "panels.json": `${stableJson(service.panels, 2)}\n` },
  };
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
