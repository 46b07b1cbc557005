/** The types that kubefed's own end-to-end tests federate, each with what a journey needs to know of it. */
import type { KubeObject, Resource } from "#ports/kube.ts";

export interface TypeCase {
  /** As `panopticon federate enable` takes it. */
  readonly type: string;
  readonly kind: string;
  readonly resource: Resource;
  readonly federated: Resource;
  /** Undefined for what is in no namespace. */
  readonly namespace: string | undefined;
  readonly template: object;
  /** JSON pointer of what one site has otherwise, and both values as the API gives them back. */
  readonly path: string;
  readonly everywhere: unknown;
  readonly otherwise: unknown;
}

const container = { name: "app", image: "app:1" };
const labels = { app: "web" };
const podSpec = { containers: [container] };
const pods = { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec } };

function of(
  [group, version, plural]: readonly [string, string, string],
  kind: string,
  rest: Pick<TypeCase, "template" | "path" | "everywhere" | "otherwise">,
  scope: "Namespaced" | "Cluster" = "Namespaced",
): TypeCase {
  const federated = { group: "types.kubefed.io", version: "v1beta1", plural: `federated${plural}` };
  const type = group === "" ? plural : `${plural}.${group}`;
  const namespace = scope === "Namespaced" ? "types" : undefined;
  return { type, kind, resource: { group, version, plural }, federated, namespace, ...rest };
}

export const TYPE_CASES: readonly TypeCase[] = [
  of(["", "v1", "configmaps"], "ConfigMap", {
    template: { data: { key: "everywhere" } },
    path: "/data/key",
    everywhere: "everywhere",
    otherwise: "here",
  }),
  of(["", "v1", "secrets"], "Secret", {
    template: { data: { key: "YWxs" }, type: "Opaque" },
    path: "/data/key",
    everywhere: "YWxs",
    otherwise: "b25l",
  }),
  of(["apps", "v1", "deployments"], "Deployment", {
    template: { spec: { replicas: 1, ...pods } },
    path: "/spec/replicas",
    everywhere: 1,
    otherwise: 3,
  }),
  of(["apps", "v1", "replicasets"], "ReplicaSet", {
    template: { spec: { replicas: 1, ...pods } },
    path: "/spec/replicas",
    everywhere: 1,
    otherwise: 3,
  }),
  of(["", "v1", "services"], "Service", {
    template: { spec: { selector: labels, ports: [{ name: "http", port: 80 }] } },
    path: "/spec/selector/app",
    everywhere: "web",
    otherwise: "other",
  }),
  of(["", "v1", "serviceaccounts"], "ServiceAccount", {
    template: { automountServiceAccountToken: true },
    path: "/automountServiceAccountToken",
    everywhere: true,
    otherwise: false,
  }),
  of(["batch", "v1", "jobs"], "Job", {
    template: { spec: { parallelism: 1, template: { spec: { ...podSpec, restartPolicy: "Never" } } } },
    path: "/spec/parallelism",
    everywhere: 1,
    otherwise: 2,
  }),
  of(["networking.k8s.io", "v1", "ingresses"], "Ingress", {
    template: { spec: { defaultBackend: { service: { name: "web", port: { number: 80 } } } } },
    path: "/spec/defaultBackend/service/name",
    everywhere: "web",
    otherwise: "other",
  }),
  of(["example.test", "v1", "gadgets"], "Gadget", {
    template: { spec: { size: 1 } },
    path: "/spec/size",
    everywhere: 1,
    otherwise: 2,
  }),
  of(
    ["example.test", "v1", "realms"],
    "Realm",
    { template: { spec: { size: 1 } }, path: "/spec/size", everywhere: 1, otherwise: 2 },
    "Cluster",
  ),
];

/** A custom type of the journeys' own; `spec.size` is all it has, beside what is required of it. */
export function customType(
  kind: string,
  scope: "Namespaced" | "Cluster",
  required: readonly string[] = ["size"],
): KubeObject {
  const singular = kind.toLowerCase();
  const plural = `${singular}s`;
  const properties = { size: { type: "integer" }, colour: { type: "string" } };
  const schema = { type: "object", properties: { spec: { type: "object", properties, required } } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.example.test` },
    spec: {
      group: "example.test",
      scope,
      names: { kind, plural, singular, listKind: `${kind}List` },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  } as KubeObject;
}

/** What is at a JSON pointer without escapes. */
export function valueAt(object: KubeObject | undefined, path: string): unknown {
  return path
    .split("/")
    .slice(1)
    .reduce<unknown>((here, key) => (here as Record<string, unknown> | undefined)?.[key], object);
}
