import { describe, expect, it } from "vitest";
import type { KubeObject } from "#ports/kube.ts";
import type { ClusterOverride, FederatedResource } from "../api/federated.ts";
import {
  CONFIG_MAP,
  coreType,
  DEPLOYMENT,
  federated,
  federatedNamespace,
  input,
  typeOf,
} from "../test/federated.ts";
import { type Desired, desired, type DesiredInput, type Present } from "./desired.ts";

function present(result: Desired): Present {
  if (result.kind !== "present") throw new Error(JSON.stringify(result));
  return result;
}

/** The object without the annotation that tells versions apart. */
function objectOf(resource: FederatedResource, change: Partial<DesiredInput> = {}): KubeObject {
  const { object } = present(desired(input(resource, change)));
  const { annotations, ...metadata } = structuredClone(object.metadata ?? {});
  delete annotations?.["federation.panopticon.dev/applied"];
  const some = annotations && Object.keys(annotations).length > 0;
  return { ...object, metadata: { ...metadata, ...(some && { annotations }) } };
}

function overridden(template: object, ...clusterOverrides: readonly ClusterOverride[]): FederatedResource {
  return federated({ template: template as never, overrides: [{ clusterName: "attic", clusterOverrides }] });
}

describe("placement", () => {
  const kindOf = (resource: FederatedResource, namespace?: FederatedResource) => {
    const result = desired(input(resource, { namespace: namespace ?? federatedNamespace() }));
    return result.kind === "absent" ? result.reason : result.kind;
  };

  it.each([
    ["a list that names the cluster", { clusters: [{ name: "attic" }] }, "present"],
    ["a list wins over a selector", { clusters: [{ name: "cellar" }], clusterSelector: {} }, "NotPlaced"],
    ["an empty list means nowhere", { clusters: [], clusterSelector: {} }, "NotPlaced"],
    ["a null list leaves it to the selector", { clusters: null, clusterSelector: {} }, "present"],
    ["no selector selects nothing", {}, "NotPlaced"],
    ["a null selector selects nothing", { clusterSelector: null }, "NotPlaced"],
    ["labels that match", { clusterSelector: { matchLabels: { tier: "gold" } } }, "present"],
    ["labels that do not", { clusterSelector: { matchLabels: { tier: "lead" } } }, "NotPlaced"],
    [
      "In",
      { clusterSelector: { matchExpressions: [{ key: "tier", operator: "In", values: ["gold"] }] } },
      "present",
    ],
    [
      "NotIn",
      { clusterSelector: { matchExpressions: [{ key: "tier", operator: "NotIn", values: ["gold"] }] } },
      "NotPlaced",
    ],
    [
      "NotIn for a label that is not there",
      { clusterSelector: { matchExpressions: [{ key: "x", operator: "NotIn", values: ["y"] }] } },
      "present",
    ],
    ["Exists", { clusterSelector: { matchExpressions: [{ key: "tier", operator: "Exists" }] } }, "present"],
    [
      "DoesNotExist",
      { clusterSelector: { matchExpressions: [{ key: "tier", operator: "DoesNotExist" }] } },
      "NotPlaced",
    ],
    [
      "a label of Object's own",
      { clusterSelector: { matchExpressions: [{ key: "toString", operator: "Exists" }] } },
      "NotPlaced",
    ],
  ])("%s", (_name, placement, result) => {
    expect(kindOf(federated({ placement }))).toBe(result);
  });

  it("intersects with the namespace's placement", () => {
    expect(kindOf(federated({}), federatedNamespace({ clusters: [{ name: "cellar" }] }))).toBe(
      "NamespaceNotPlaced",
    );
    expect(desired(input(federated({}), { namespace: undefined }))).toEqual({
      kind: "absent",
      reason: "NamespaceNotFederated",
    });
  });

  it("asks no namespace of what is in none", () => {
    const target = coreType("PersistentVolume", "persistentvolumes", false);
    const { object } = present(desired(input(federated({}), { target, namespace: undefined })));
    expect(object.metadata?.namespace).toBeUndefined();
  });

  it("does not guess at a selector it can't read", () => {
    const placement = { clusterSelector: { matchExpressions: [{ key: "tier", operator: "Near" }] } };
    expect(desired(input(federated({ placement })))).toMatchObject({
      kind: "refused",
      status: "ComputePlacementFailed",
      message: expect.stringContaining('"Near"'),
    });
  });
});

describe("the template", () => {
  it("gets name, namespace, type and the managed label; nothing of a server's metadata", () => {
    const template = {
      kind: "Other",
      metadata: {
        name: "x",
        namespace: "y",
        uid: "u",
        annotations: { a: "b" },
        finalizers: ["f"],
        labels: { l: "1" },
      },
      data: { a: "1" },
      status: { phase: "Done" },
    };
    expect(objectOf(federated({ template }))).toEqual({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "web", namespace: "shop", labels: { l: "1", "kubefed.io/managed": "true" } },
      data: { a: "1" },
    });
  });

  it("may be missing, and may name its API version", () => {
    expect(objectOf(federated({})).apiVersion).toBe("v1");
    const target = typeOf(DEPLOYMENT);
    expect(objectOf(federated({}), { target }).apiVersion).toBe("apps/v1");
    expect(objectOf(federated({ template: { apiVersion: "apps/v2" } }), { target }).apiVersion).toBe(
      "apps/v2",
    );
  });

  it("is hashed together with this cluster's overrides only", () => {
    const hash = (resource: FederatedResource) => present(desired(input(resource))).hash;
    const template = { data: { a: "1" } };
    const plain = hash(federated({ template }));
    expect(hash(federated({ template: { data: { a: "2" } } }))).not.toBe(plain);
    expect(hash(overridden(template, { path: "/data/a", value: "2" }))).not.toBe(plain);
    const elsewhere = [{ clusterName: "cellar", clusterOverrides: [{ path: "/data/a", value: "2" }] }];
    expect(hash(federated({ template, overrides: elsewhere }))).toBe(plain);
    expect(hash(federated({ template }, { labels: { x: "y" } }))).toBe(plain);
  });

  it("makes a secret's plain text readable back", () => {
    const target = coreType("Secret", "secrets");
    const object = objectOf(federated({ template: { stringData: { key: "ä" }, data: { old: "eA==" } } }), {
      target,
    });
    expect(object).toMatchObject({ data: { key: "w6Q=", old: "eA==" } });
    expect(object).not.toHaveProperty("stringData");
  });

  it("of a namespace is the namespace it stands in", () => {
    const target = coreType("Namespace", "namespaces", false);
    const { object } = present(desired(input(federatedNamespace(), { target, namespace: undefined })));
    expect(object).toMatchObject({ kind: "Namespace", metadata: { name: "shop" } });
    const astray = { ...federatedNamespace(), metadata: { name: "other", namespace: "shop" } };
    expect(desired(input(astray, { target }))).toMatchObject({
      kind: "refused",
      status: "ComputeResourceFailed",
    });
  });
});

describe("overrides", () => {
  const template = { data: { "a/b": "1", "c~d": "2" }, list: [1, 2, 3] };

  it.each([
    ["replace is the default", { path: "/data/a~1b", value: "9" }, { data: { "a/b": "9", "c~d": "2" } }],
    [
      "an empty operation too",
      { op: "", path: "/data/c~0d", value: "9" },
      { data: { "a/b": "1", "c~d": "9" } },
    ],
    ["add", { op: "add", path: "/data/new", value: "9" }, { data: { "a/b": "1", "c~d": "2", new: "9" } }],
    ["remove", { op: "remove", path: "/data/a~1b" }, { data: { "c~d": "2" } }],
    ["add into a list", { op: "add", path: "/list/1", value: 9 }, { list: [1, 9, 2, 3] }],
    ["add to the end of a list", { op: "add", path: "/list/-", value: 9 }, { list: [1, 2, 3, 9] }],
    ["add just behind a list", { op: "add", path: "/list/3", value: 9 }, { list: [1, 2, 3, 9] }],
    ["remove from a list", { op: "remove", path: "/list/0" }, { list: [2, 3] }],
    ["replace in a list", { path: "/list/2", value: 9 }, { list: [1, 2, 9] }],
    ["null is a value", { path: "/list", value: null }, { list: null }],
  ])("%s", (_name, override, result) => {
    const object = objectOf(overridden(template, override)) as Record<string, unknown>;
    for (const [key, value] of Object.entries(result)) expect(object[key]).toEqual(value);
  });

  it.each([
    [{ path: "/data/none", value: "9" }, 'there is no "none" to replace'],
    [{ op: "remove", path: "/data/none" }, 'there is no "none" to remove'],
    [{ op: "add", path: "/none/deep", value: 1 }, "there is no /none"],
    [{ op: "add", path: "/list/4", value: 1 }, "index 4 is beyond a list of 3"],
    [{ path: "/list/-", value: 1 }, '"-" is no index of a list'],
    [{ path: "/list/01", value: 1 }, '"01" is no index of a list'],
    [{ path: "/data/a~2b", value: 1 }, "neither ~0 nor ~1"],
    [{ path: "data", value: 1 }, "does not begin with /"],
    [{ path: "/data" }, "replace needs a value"],
    [{ op: "move", path: "/data", value: 1 }, 'no operation "move"'],
    [{ path: "/metadata/name", value: "x" }, "name, namespace and kind"],
    [{ path: "/data/a~1b/x", value: 1 }, "neither object nor list"],
    [{ path: "/data/__proto__/x", op: "add", value: 1 }, "there is no /data/__proto__"],
  ])("%j is refused with its place", (override, why) => {
    const result = desired(input(overridden(template, { path: "/list/0", value: 0 }, override)));
    expect(result).toMatchObject({ kind: "refused", status: "ApplyOverridesFailed" });
    expect((result as { message: string }).message).toContain("spec.overrides[0].clusterOverrides[1]");
    expect((result as { message: string }).message).toContain(why);
  });

  it("of a cluster stand once, and a path stands once", () => {
    const twice = [{ clusterName: "cellar" }, { clusterName: "attic" }, { clusterName: "attic" }];
    expect(desired(input(federated({ overrides: twice })))).toMatchObject({
      message: 'spec.overrides[2]: cluster "attic" has overrides already',
    });
    const path = "/data/a~1b";
    expect(desired(input(overridden(template, { path, value: "1" }, { path, value: "2" })))).toMatchObject({
      message: expect.stringContaining("overridden already"),
    });
  });

  it("can't take the managed label or the name", () => {
    const metadata = { name: "evil", namespace: "evil", labels: { a: "b", "kubefed.io/managed": "false" } };
    expect(objectOf(overridden(template, { path: "/metadata", value: metadata })).metadata).toEqual({
      name: "web",
      namespace: "shop",
      labels: { a: "b", "kubefed.io/managed": "true" },
    });
  });

  it("add and take annotations and finalizers beside the cluster's own", () => {
    const observed: KubeObject = {
      metadata: { annotations: { theirs: "1", old: "2" }, finalizers: ["theirs", "old"], labels: {} },
    };
    const resource = overridden(
      {},
      { op: "add", path: "/metadata/annotations/our~1s", value: "3" },
      { op: "remove", path: "/metadata/annotations/old" },
      { op: "remove", path: "/metadata/finalizers/1" },
    );
    expect(objectOf(resource, { observed }).metadata).toMatchObject({
      annotations: { "our/s": "3" },
      finalizers: ["theirs"],
    });
    expect(present(desired(input(resource, { observed }))).removals).toEqual([
      "/metadata/annotations/old",
      "/metadata/finalizers/old",
    ]);
    const alone = overridden({}, { op: "add", path: "/metadata/annotations/first", value: "1" });
    expect(objectOf(alone).metadata?.annotations).toEqual({ first: "1" });
  });

  it("keep an annotation that is there already", () => {
    const observed: KubeObject = { metadata: { annotations: { ours: "3", theirs: "1" } } };
    const resource = overridden({}, { op: "add", path: "/metadata/annotations/ours", value: "3" });
    expect(objectOf(resource, { observed }).metadata?.annotations).toEqual({ ours: "3" });
  });
});

describe("what the cluster has", () => {
  const managed = { labels: { "kubefed.io/managed": "true" }, resourceVersion: "7" };

  it("is left alone where it is labelled so, or is somebody else's and not adopted", () => {
    const unmanaged: KubeObject = { metadata: { labels: { "kubefed.io/managed": "false" } } };
    expect(desired(input(federated({}), { observed: unmanaged }))).toMatchObject({
      status: "ManagedLabelFalse",
    });
    const foreign: KubeObject = { metadata: {} };
    expect(desired(input(federated({}), { observed: foreign, adopt: false }))).toMatchObject({
      status: "AlreadyExists",
    });
    expect(desired(input(federated({}), { observed: foreign })).kind).toBe("present");
    expect(desired(input(federated({}), { observed: { metadata: managed }, adopt: false })).kind).toBe(
      "present",
    );
  });

  it("keeps a service's addresses and node ports where the template names others", () => {
    const target = coreType("Service", "services");
    const observed = {
      metadata: managed,
      spec: {
        clusterIP: "10.0.0.9",
        clusterIPs: ["10.0.0.9"],
        healthCheckNodePort: 31_000,
        ports: [
          { name: "a", port: 80, protocol: "TCP", nodePort: 30_080 },
          { port: 53, protocol: "UDP", nodePort: 30_053 },
        ],
      },
    };
    const template = {
      spec: {
        clusterIP: "10.0.0.1",
        clusterIPs: ["10.0.0.1"],
        healthCheckNodePort: 1,
        ports: [
          { name: "a", port: 80, nodePort: 1 },
          { name: "b", port: 53, protocol: "UDP" },
        ],
      },
    };
    const object = objectOf(federated({ template }), { target, observed });
    expect(object).toMatchObject({
      metadata: { resourceVersion: "7" },
      spec: {
        clusterIP: "10.0.0.9",
        clusterIPs: ["10.0.0.9"],
        healthCheckNodePort: 31_000,
        ports: [
          { name: "a", port: 80, nodePort: 30_080 },
          { name: "b", port: 53, protocol: "UDP" },
        ],
      },
    });
    expect((object as typeof template).spec.ports[1]).not.toHaveProperty("nodePort");
    const silent = { spec: { ports: [{ port: 80 }] } };
    expect(objectOf(federated({ template: silent }), { target, observed })).not.toHaveProperty(
      "spec.clusterIP",
    );
  });

  it("keeps its replicas where asked to, and overrides still win", () => {
    const target = typeOf(DEPLOYMENT);
    const observed = { metadata: managed, spec: { replicas: 5 } };
    const template = { spec: { replicas: 2 } };
    expect(objectOf(federated({ template }), { target, observed })).toMatchObject({ spec: { replicas: 2 } });
    const kept = federated({ template, retainReplicas: true });
    expect(objectOf(kept, { target, observed })).toMatchObject({
      spec: { replicas: 5 },
      metadata: { resourceVersion: "7" },
    });
    expect(objectOf(kept, { target })).toMatchObject({ spec: { replicas: 2 } });
    const won = overridden(template, { path: "/spec/replicas", value: 9 });
    const both = { ...won, spec: { ...won.spec, retainReplicas: true } };
    expect(objectOf(both, { target, observed })).toMatchObject({ spec: { replicas: 9 } });
  });

  it("keeps a service account's secrets unless the template names some", () => {
    const target = coreType("ServiceAccount", "serviceaccounts");
    const observed = { metadata: managed, secrets: [{ name: "token" }] };
    expect(objectOf(federated({ template: { secrets: [] } }), { target, observed })).not.toHaveProperty(
      "secrets",
    );
    expect(
      objectOf(federated({ template: { secrets: [{ name: "own" }] } }), { target, observed }),
    ).toMatchObject({
      secrets: [{ name: "own" }],
    });
  });

  it("keeps what a job can't change, and says so", () => {
    const target = typeOf({ group: "batch", version: "v1", kind: "Job", plural: "jobs", namespaced: true });
    const pod = (image: string, labels: Record<string, string>) => ({
      metadata: { labels },
      spec: { containers: [{ name: "c", image }] },
    });
    const template = {
      spec: {
        selector: { matchLabels: { "batch.kubernetes.io/controller-uid": "host" } },
        parallelism: 3,
        template: pod("a", { app: "x", "controller-uid": "host", "batch.kubernetes.io/job-name": "host" }),
      },
    };
    const first = objectOf(federated({ template }), { target });
    expect(first).not.toHaveProperty("spec.selector");
    expect(first).toMatchObject({ spec: { template: { metadata: { labels: { app: "x" } } } } });
    const there = pod("a", { app: "x", "controller-uid": "member" });
    const observed = { metadata: managed, spec: { parallelism: 1, template: there } };
    const same = present(desired(input(federated({ template }), { target, observed })));
    expect(same.warnings).toEqual([]);
    expect(same.object).toMatchObject({ spec: { parallelism: 3 } });
    const changed = { spec: { ...template.spec, template: pod("b", { app: "x" }) } };
    const result = present(desired(input(federated({ template: changed }), { target, observed })));
    expect(result.object).toMatchObject({ spec: { template: there } });
    expect(result.warnings).toEqual([expect.stringContaining("spec.template of a Job can't be changed")]);
  });
});

it("changes nothing that it was given", () => {
  const frozen = JSON.stringify(overridden({ data: { a: "1" } }, { path: "/data/a", value: "2" }));
  const resource = JSON.parse(frozen) as FederatedResource;
  desired(input(resource, { target: typeOf(CONFIG_MAP) }));
  expect(JSON.stringify(resource)).toBe(frozen);
});
