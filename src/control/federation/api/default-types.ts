/** The types that are federated out of the box: what applications are made of. What gives rights (roles) is enabled by whoever wants that. */
import type { TargetType } from "./enable.ts";

function namespaced(
  group: string,
  version: string,
  kind: string,
  plural: string,
  short?: string,
): TargetType {
  const shortNames = short === undefined ? [] : [short];
  return { group, version, kind, plural, namespaced: true, shortNames };
}

/** As Kubernetes 1.36 serves them; namespaces first, without which nothing goes anywhere. */
export const DEFAULT_TYPES: readonly TargetType[] = [
  {
    group: "",
    version: "v1",
    kind: "Namespace",
    plural: "namespaces",
    namespaced: false,
    shortNames: ["ns"],
  },
  namespaced("", "v1", "ConfigMap", "configmaps", "cm"),
  namespaced("", "v1", "Secret", "secrets"),
  namespaced("", "v1", "Service", "services", "svc"),
  namespaced("", "v1", "ServiceAccount", "serviceaccounts", "sa"),
  namespaced("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", "pvc"),
  namespaced("", "v1", "ResourceQuota", "resourcequotas", "quota"),
  namespaced("", "v1", "LimitRange", "limitranges", "limits"),
  namespaced("apps", "v1", "Deployment", "deployments", "deploy"),
  namespaced("apps", "v1", "ReplicaSet", "replicasets", "rs"),
  namespaced("apps", "v1", "StatefulSet", "statefulsets", "sts"),
  namespaced("apps", "v1", "DaemonSet", "daemonsets", "ds"),
  namespaced("batch", "v1", "Job", "jobs"),
  namespaced("batch", "v1", "CronJob", "cronjobs", "cj"),
  namespaced("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", "hpa"),
  namespaced("networking.k8s.io", "v1", "Ingress", "ingresses", "ing"),
  namespaced("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", "netpol"),
  namespaced("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", "pdb"),
];
