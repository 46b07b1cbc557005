/**
 * Volumes of a lab: folders of its workers, without copies anywhere. A service
 * with data can be tried, and its data outlive its pods and a power cut; what
 * outlives a worker needs a storage system of its own.
 */
import type { PersistentVolume } from "kubernetes-types/core/v1.d.ts";
import type { StorageClass } from "kubernetes-types/storage/v1.d.ts";
import { type MachinePlan, machinesOf, type SitePlan } from "#plan/plan.ts";
import { VOLUME_FOLDERS } from "../node/volumes.ts";
import type { ManifestObject } from "./metallb.ts";

/** Says what it is to whoever lists the classes. */
const LAB_CLASS = "lab-not-replicated";
const LABELS = { "app.kubernetes.io/managed-by": "panopticon" };
/** What a claim may ask for at most; nothing keeps it to that. */
const SIZE = "20Gi";

/** The default class, and every worker's volumes. */
export function labVolumes(site: SitePlan): readonly ManifestObject[] {
  const volumes = machinesOf(site, "worker").flatMap((worker) =>
    VOLUME_FOLDERS.map((path, index) => volume(worker, path, index + 1)),
  );
  return [storageClass(), ...volumes] as readonly object[] as readonly ManifestObject[];
}

/** A volume is chosen with the pod's place, since a pod can't follow it. */
function storageClass(): StorageClass {
  return {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: {
      name: LAB_CLASS,
      labels: LABELS,
      annotations: { "storageclass.kubernetes.io/is-default-class": "true" },
    },
    provisioner: "kubernetes.io/no-provisioner",
    volumeBindingMode: "WaitForFirstConsumer",
    reclaimPolicy: "Retain",
  };
}

function volume({ name }: MachinePlan, path: string, number: number): PersistentVolume {
  const term = { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [name] }] };
  return {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: `${name}-${number}`, labels: LABELS },
    spec: {
      capacity: { storage: SIZE },
      accessModes: ["ReadWriteOnce"],
      volumeMode: "Filesystem",
      persistentVolumeReclaimPolicy: "Retain",
      storageClassName: LAB_CLASS,
      local: { path },
      nodeAffinity: { required: { nodeSelectorTerms: [term] } },
    },
  };
}
