/** What runs the pods: a Deployment, or a StatefulSet where there are volumes. */
import type { Service } from "#model/service/service.ts";
import { type Manifest, manifest, selectorOf, versionedLabels } from "./manifest.ts";
import { podTemplate } from "./pod.ts";

/** Beyond the time that a start may take: for the image to be pulled. */
const PULL_SECONDS = 120;

/** With a total, each site begins with one replica until the total is spread. */
function replicasAtFirst({ replicas }: Service): number {
  return replicas.kind === "total" ? 1 : replicas.count;
}

export function workload(service: Service): Manifest {
  return service.volumes.length > 0 ? statefulSet(service) : deployment(service);
}

/** A new version takes over pod by pod; none of the old ones goes before its successor is ready. */
function deployment(service: Service): Manifest {
  const fields = {
    spec: {
      replicas: replicasAtFirst(service),
      revisionHistoryLimit: 3,
      progressDeadlineSeconds: service.health.startSeconds + PULL_SECONDS,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      selector: { matchLabels: selectorOf(service) },
      template: podTemplate(service),
    },
  };
  return manifest(service, "apps/v1", "Deployment", fields, versionedLabels(service));
}

function statefulSet(service: Service): Manifest {
  const fields = {
    spec: {
      replicas: replicasAtFirst(service),
      revisionHistoryLimit: 3,
      serviceName: service.name,
      // One after the other, a pod that never gets well would keep even its own mending out.
      podManagementPolicy: "Parallel",
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
      selector: { matchLabels: selectorOf(service) },
      template: podTemplate(service),
      volumeClaimTemplates: service.volumes.map(({ name, sizeGiB, class: storageClass }) => ({
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name },
        spec: {
          accessModes: ["ReadWriteOnce"],
          ...(storageClass !== undefined && { storageClassName: storageClass }),
          resources: { requests: { storage: `${sizeGiB}Gi` } },
        },
      })),
    },
  };
  return manifest(service, "apps/v1", "StatefulSet", fields, versionedLabels(service));
}

/** Servers are emptied one pod of it at a time. */
export function disruptionBudget(service: Service): Manifest {
  const spec = { maxUnavailable: 1, selector: { matchLabels: selectorOf(service) } };
  return manifest(service, "policy/v1", "PodDisruptionBudget", { spec });
}
