/** What Traefik may read and write at the API: routes of each kind, what they lead to, and their status. */
import type { ServiceAccount } from "kubernetes-types/core/v1.d.ts";
import type { ClusterRole, ClusterRoleBinding, PolicyRule } from "kubernetes-types/rbac/v1.d.ts";
import { LABELS, NAMESPACE, TRAEFIK } from "./names.ts";

const READ = ["get", "list", "watch"];
const INGRESS = "networking.k8s.io";
const GATEWAY = "gateway.networking.k8s.io";

/** The standard channel's; the experimental one's are not asked for. */
const GATEWAY_KINDS = [
  "gatewayclasses",
  "gateways",
  "httproutes",
  "grpcroutes",
  "referencegrants",
  "backendtlspolicies",
];
const WITH_STATUS = ["gatewayclasses", "gateways", "httproutes", "grpcroutes", "backendtlspolicies"];

const RULES: PolicyRule[] = [
  // Secrets of every namespace, since a route's certificate is in the route's own; config maps for BackendTLSPolicy.
  { apiGroups: [""], resources: ["services", "secrets", "configmaps", "nodes"], verbs: READ },
  { apiGroups: [""], resources: ["namespaces"], verbs: ["list", "watch"] },
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
  { apiGroups: [INGRESS], resources: ["ingresses", "ingressclasses"], verbs: READ },
  { apiGroups: [INGRESS], resources: ["ingresses/status"], verbs: ["update"] },
  {
    apiGroups: ["traefik.io"],
    resources: [
      "ingressroutes",
      "ingressroutetcps",
      "ingressrouteudps",
      "middlewares",
      "middlewaretcps",
      "serverstransports",
      "serverstransporttcps",
      "tlsoptions",
      "tlsstores",
      "traefikservices",
    ],
    verbs: READ,
  },
  { apiGroups: [GATEWAY], resources: GATEWAY_KINDS, verbs: READ },
  { apiGroups: [GATEWAY], resources: WITH_STATUS.map((kind) => `${kind}/status`), verbs: ["update"] },
];

export function rights(): readonly [ServiceAccount, ClusterRole, ClusterRoleBinding] {
  return [
    {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: TRAEFIK, namespace: NAMESPACE, labels: LABELS },
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: TRAEFIK, labels: LABELS },
      rules: RULES,
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: TRAEFIK, labels: LABELS },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: TRAEFIK },
      subjects: [{ kind: "ServiceAccount", name: TRAEFIK, namespace: NAMESPACE }],
    },
  ];
}
