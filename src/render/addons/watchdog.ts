/**
 * What the watchdog over workers may do at a site's API: read Nodes and Ingresses,
 * say of a Node that load balancers leave it out, and approve the certificates that
 * kubelets serve with. RBAC can't tell one field of a Node from another; the admission
 * policy does.
 */
import type { ClusterRole, ClusterRoleBinding } from "kubernetes-types/rbac/v1.d.ts";
import { EXCLUDE_LABEL, EXCLUDED_BY_ANNOTATION, KUBELET_SERVING, WATCHDOG_USER } from "../ecam/watchdog.ts";
import type { ManifestObject } from "./metallb.ts";

const NAME = "panopticon:watchdog";
const POLICY = "watchdog.panopticon.dev";
const LABELS = { "app.kubernetes.io/managed-by": "panopticon" };

/** Rights, the policy and its binding. */
export function watchdogObjects(): readonly ManifestObject[] {
  return [role(), binding(), policy(), policyBinding()] as readonly object[] as readonly ManifestObject[];
}

function role(): ClusterRole {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: NAME, labels: LABELS },
    rules: [
      { apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch", "patch"] },
      // Which host names the site has, for steering.
      { apiGroups: ["networking.k8s.io"], resources: ["ingresses"], verbs: ["get", "list", "watch"] },
      // Kubelets' requests for the certificate that they serve with, and no other signer's.
      {
        apiGroups: ["certificates.k8s.io"],
        resources: ["certificatesigningrequests"],
        verbs: ["get", "list", "watch"],
      },
      {
        apiGroups: ["certificates.k8s.io"],
        resources: ["certificatesigningrequests/approval"],
        verbs: ["update"],
      },
      {
        apiGroups: ["certificates.k8s.io"],
        resources: ["signers"],
        resourceNames: [KUBELET_SERVING],
        verbs: ["approve"],
      },
    ],
  };
}

function binding(): ClusterRoleBinding {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: NAME, labels: LABELS },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: NAME },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: WATCHDOG_USER }],
  };
}

function policy(): object {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicy",
    metadata: { name: POLICY, labels: LABELS },
    spec: {
      failurePolicy: "Fail",
      matchConstraints: {
        resourceRules: [
          {
            apiGroups: [""],
            apiVersions: ["*"],
            resources: ["nodes", "nodes/*"],
            operations: ["CREATE", "UPDATE", "DELETE"],
          },
        ],
      },
      matchConditions: [{ name: "about", expression: `request.userInfo.username == '${WATCHDOG_USER}'` }],
      variables: [
        { name: "label", expression: `'${EXCLUDE_LABEL}'` },
        { name: "mark", expression: `'${EXCLUDED_BY_ANNOTATION}'` },
        { name: "labels", expression: mapOf("object", "labels") },
        { name: "oldLabels", expression: mapOf("oldObject", "labels") },
        { name: "annotations", expression: mapOf("object", "annotations") },
        { name: "oldAnnotations", expression: mapOf("oldObject", "annotations") },
      ],
      validations: VALIDATIONS.map(([message, expression]) => ({ expression, message, reason: "Forbidden" })),
    },
  };
}

function policyBinding(): object {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name: POLICY, labels: LABELS },
    spec: { policyName: POLICY, validationActions: ["Deny"] },
  };
}

const MARKED = "variables.mark in variables.annotations";
const WAS_MARKED = "variables.mark in variables.oldAnnotations";
const EXCLUDED = "variables.label in variables.labels";
const WAS_EXCLUDED = "variables.label in variables.oldLabels";

/** CEL, with what is told to who breaks it. One that fails (a Node made or deleted has no old or new self) refuses too. */
const VALIDATIONS: readonly (readonly [message: string, expression: string])[] = [
  [
    "the watchdog changes nothing of a node but its exclusion from load balancers",
    [
      "request.operation == 'UPDATE' && !has(request.subResource)",
      "object.spec == oldObject.spec",
      same("labels", "oldLabels", "label"),
      same("annotations", "oldAnnotations", "mark"),
      sameList("finalizers"),
      sameList("ownerReferences"),
    ].join(" && "),
  ],
  [
    "the watchdog says of each exclusion that it is its own",
    `!(${EXCLUDED}) || ${WAS_EXCLUDED} || (${MARKED} && variables.labels[variables.label] == 'true')`,
  ],
  [
    "an exclusion that somebody else has set stays as it is",
    [
      `(!(${WAS_EXCLUDED}) || ${EXCLUDED} || ${WAS_MARKED})`,
      `(!(${WAS_EXCLUDED} && ${EXCLUDED}) || variables.oldLabels[variables.label] == variables.labels[variables.label])`,
      `(!(${WAS_EXCLUDED} && ${EXCLUDED}) || (${WAS_MARKED}) == (${MARKED}))`,
    ].join(" && "),
  ],
];

function mapOf(object: string, field: string): string {
  return `(has(${object}.metadata.${field}) ? ${object}.metadata.${field} : {})`;
}

/** Both maps are the same but for one key. */
function same(now: string, before: string, but: string): string {
  const [left, right, key] = [now, before, but].map((name) => `variables.${name}`);
  return `${left}.all(k, k == ${key} || (k in ${right} && ${right}[k] == ${left}[k])) && ${right}.all(k, k == ${key} || k in ${left})`;
}

function sameList(field: string): string {
  const list = (object: string): string =>
    `(has(${object}.metadata.${field}) ? ${object}.metadata.${field} : [])`;
  return `${list("object")} == ${list("oldObject")}`;
}
