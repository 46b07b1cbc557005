/**
 * A connect that a pod does not answer is tried at another one. Traefik is told
 * so by an annotation of the route, and annotations do not travel with federated
 * objects: labels do, and a site's API makes the one of the other.
 */
import { LABELS, RETRY_LABEL, RETRY_MIDDLEWARE } from "./names.ts";

const POLICY = "retry.panopticon.dev";
const ANNOTATION = "traefik.ingress.kubernetes.io/router.middlewares";
const API = "admissionregistration.k8s.io/v1";

/**
 * The policy and its binding. Who has chosen middlewares keeps them, and where
 * the policy can't be asked the route is made without (it would be worse to refuse it).
 */
export function retryPolicy(): readonly object[] {
  return [
    {
      apiVersion: API,
      kind: "MutatingAdmissionPolicy",
      metadata: { name: POLICY, labels: LABELS },
      spec: {
        failurePolicy: "Ignore",
        reinvocationPolicy: "Never",
        matchConstraints: {
          objectSelector: { matchLabels: { [RETRY_LABEL]: "true" } },
          resourceRules: [
            {
              apiGroups: ["networking.k8s.io"],
              apiVersions: ["*"],
              resources: ["ingresses"],
              operations: ["CREATE", "UPDATE"],
            },
          ],
        },
        matchConditions: [
          {
            name: "unchosen",
            expression: `!has(object.metadata.annotations) || !('${ANNOTATION}' in object.metadata.annotations)`,
          },
        ],
        mutations: [{ patchType: "ApplyConfiguration", applyConfiguration: { expression: annotated() } }],
      },
    },
    {
      apiVersion: API,
      kind: "MutatingAdmissionPolicyBinding",
      metadata: { name: POLICY, labels: LABELS },
      spec: { policyName: POLICY },
    },
  ];
}

function annotated(): string {
  return `Object{metadata: Object.metadata{annotations: {'${ANNOTATION}': '${RETRY_MIDDLEWARE}'}}}`;
}
