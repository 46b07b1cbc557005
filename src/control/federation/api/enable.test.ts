import { describe, expect, it } from "vitest";
import { CONFIG_MAP, DEPLOYMENT } from "../test/federated.ts";
import { federationCrds } from "./crds.ts";
import type { Definition } from "./definition.ts";
import { federatedTypeFor, withKeyedStatus } from "./enable.ts";
import { federate } from "./federate.ts";
import type { Schema } from "./schema.ts";

const types = [CONFIG_MAP, DEPLOYMENT].map((target) => federatedTypeFor(target).crd);

/** What the API server refuses in a structural schema, and what would make it drop fields unseen. */
function mistakesIn(schema: Schema, path: string): readonly string[] {
  const open = schema["x-kubernetes-preserve-unknown-fields"] === true;
  const below: readonly [Schema, string][] = [
    ...Object.entries(schema.properties ?? {}).map(([key, value]): [Schema, string] => [
      value,
      `${path}.${key}`,
    ]),
    ...(schema.items ? [[schema.items, `${path}[]`] as [Schema, string]] : []),
    ...(schema.additionalProperties ? [[schema.additionalProperties, `${path}{}`] as [Schema, string]] : []),
  ];
  const missing = (schema.required ?? []).filter((key) => !(key in (schema.properties ?? {})));
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  return [
    ...(schema.type === undefined && !open ? [`${path} has no type`] : []),
    ...(schema.properties && schema.additionalProperties ? [`${path} has both kinds of properties`] : []),
    ...(schema.type === "array" && !schema.items ? [`${path} has no items`] : []),
    ...missing.map((key) => `${path} requires ${key}, which it does not have`),
    ...keys
      .filter((key) => !schema.items?.required?.includes(key))
      .map((key) => `${path}: key ${key} is optional`),
    ...(schema.type === "object" && !open && below.length === 0 && !path.endsWith(".metadata")
      ? [`${path} keeps nothing`]
      : []),
    ...below.flatMap(([one, where]) => mistakesIn(one, where)),
  ];
}

function schemaOf(crd: Definition): Schema {
  const [version] = crd.spec.versions;
  if (!version) throw new Error("no version");
  return version.schema.openAPIV3Schema;
}

it.each([...federationCrds(), ...types].map((crd): [string, Definition] => [crd.metadata?.name ?? "", crd]))(
  "the schema of %s is structural",
  (name, crd) => {
    expect(name).toBe(`${crd.spec.names.plural}.${crd.spec.group}`);
    expect(mistakesIn(schemaOf(crd), crd.spec.names.kind)).toEqual([]);
  },
);

describe("a type that is federated", () => {
  it("is named as kubefedctl names it", () => {
    const { crd, typeConfig } = federatedTypeFor({ ...DEPLOYMENT, shortNames: ["deploy"] });
    expect(crd.metadata?.name).toBe("federateddeployments.types.kubefed.io");
    expect(crd.spec.names.shortNames).toEqual(["fdeploy"]);
    expect(typeConfig).toMatchObject({
      metadata: { name: "deployments.apps", namespace: "kube-federation-system" },
      spec: {
        targetType: {
          group: "apps",
          version: "v1",
          kind: "Deployment",
          pluralName: "deployments",
          scope: "Namespaced",
        },
        federatedType: {
          group: "types.kubefed.io",
          version: "v1beta1",
          kind: "FederatedDeployment",
          pluralName: "federateddeployments",
          scope: "Namespaced",
        },
        propagation: "Enabled",
      },
    });
    expect(federatedTypeFor(CONFIG_MAP).typeConfig.spec.targetType).not.toHaveProperty("group");
  });

  it("has retainReplicas only where it has replicas", () => {
    const replicas = (crd: Definition) => schemaOf(crd).properties?.["spec"]?.properties?.["retainReplicas"];
    expect(replicas(federatedTypeFor(DEPLOYMENT).crd)).toEqual({ type: "boolean" });
    expect(replicas(federatedTypeFor(CONFIG_MAP).crd)).toBeUndefined();
    expect(replicas(federatedTypeFor({ ...CONFIG_MAP, scalable: true }).crd)).toEqual({ type: "boolean" });
  });

  it("is namespaced for namespaces and cluster-scoped for other cluster-scoped types", () => {
    const scope = (plural: string, group: string) =>
      federatedTypeFor({ ...CONFIG_MAP, plural, group, namespaced: false });
    expect(scope("namespaces", "").crd.spec.scope).toBe("Namespaced");
    expect(scope("namespaces", "").typeConfig.spec.targetType.scope).toBe("Cluster");
    expect(scope("clusterroles", "rbac.authorization.k8s.io").crd.spec.scope).toBe("Cluster");
  });

  it("may live in another group", () => {
    expect(federatedTypeFor(CONFIG_MAP, "types.example.org").crd.spec.group).toBe("types.example.org");
  });

  it("gets a status with one owner per cluster where kubefedctl gave it none", () => {
    const ours = federatedTypeFor(CONFIG_MAP).crd;
    expect(withKeyedStatus(ours)).toBeUndefined();
    const theirs = structuredClone(ours);
    delete (schemaOf(theirs).properties as Record<string, Schema>)["status"];
    expect(withKeyedStatus(theirs)).toEqual({ ...ours });
  });

  it("gets what sites tell by now where an earlier version made it", () => {
    const ours = federatedTypeFor(CONFIG_MAP).crd;
    const earlier = structuredClone(ours);
    const entries = schemaOf(earlier).properties?.["status"]?.properties?.["clusters"]?.items;
    const fields = (entries?.properties ?? {}) as Record<string, Schema>;
    delete fields["remoteGeneration"];
    expect(withKeyedStatus(earlier)).toEqual({ ...ours });
  });
});

describe("federating an object", () => {
  const meta = {
    name: "web",
    namespace: "shop",
    uid: "u",
    resourceVersion: "1",
    generation: 1,
    ownerReferences: [],
    managedFields: [],
    annotations: { a: "b" },
    finalizers: ["f"],
  };
  const of = (object: object, plural: string, kind: string, group = "", namespaced = true) =>
    federate(object, { group, version: "v1", kind, plural, namespaced });

  it("keeps labels and body, and places it everywhere", () => {
    const object = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { ...meta, labels: { l: "1" } },
      data: { a: "1" },
      status: {},
    };
    expect(of(object, "configmaps", "ConfigMap")).toEqual({
      apiVersion: "types.kubefed.io/v1beta1",
      kind: "FederatedConfigMap",
      metadata: { name: "web", namespace: "shop" },
      spec: {
        template: { metadata: { labels: { l: "1" } }, data: { a: "1" } },
        placement: { clusterSelector: { matchLabels: {} } },
      },
    });
    expect(object.metadata.uid).toBe("u");
  });

  it("puts a namespace into itself", () => {
    const { namespace: _namespace, ...rest } = meta;
    const result = of(
      { metadata: rest, spec: { finalizers: ["kubernetes"] } },
      "namespaces",
      "Namespace",
      "",
      false,
    );
    expect(result.metadata).toEqual({ name: "web", namespace: "web" });
    expect(result.spec?.template).toEqual({ spec: {} });
  });

  it("leaves out what the host's cluster filled in", () => {
    const service = {
      metadata: meta,
      spec: {
        clusterIP: "10.0.0.1",
        clusterIPs: ["10.0.0.1"],
        healthCheckNodePort: 3,
        ports: [{ port: 80, nodePort: 3 }],
      },
    };
    expect(of(service, "services", "Service").spec?.template).toEqual({ spec: { ports: [{ port: 80 }] } });
    const headless = { metadata: meta, spec: { clusterIP: "None", clusterIPs: ["None"] } };
    expect(of(headless, "services", "Service").spec?.template).toEqual({ spec: { clusterIP: "None" } });
    expect(
      of({ metadata: meta, secrets: [{ name: "x" }] }, "serviceaccounts", "ServiceAccount").spec?.template,
    ).toEqual({});
    const job = {
      metadata: { ...meta, labels: { "job-name": "web" } },
      spec: {
        selector: { matchLabels: { "controller-uid": "u" } },
        template: { metadata: { labels: { "controller-uid": "u", a: "b" } } },
      },
    };
    expect(of(job, "jobs", "Job", "batch").spec?.template).toEqual({
      metadata: { labels: {} },
      spec: { template: { metadata: { labels: { a: "b" } } } },
    });
  });
});
