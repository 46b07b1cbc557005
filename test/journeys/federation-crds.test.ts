/** A real API server takes the federation's resources and policies, and refuses what they say it must. */
import { type TestContext, afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { federationCrds } from "#control/federation/api/crds.ts";
import { defaultConfig } from "#control/federation/api/config.ts";
import { federatedTypeFor, type TargetType } from "#control/federation/api/enable.ts";
import { fencePolicies } from "#control/federation/crown/fence.ts";
import type { Kube, KubeObject, Resource } from "#ports/kube.ts";
import { type Plane, startPlane } from "../kube/plane.ts";
import { planeObstacle, skipWithoutPlanes } from "../kube/programs.ts";

const OURS = { group: "federation.panopticon.dev", version: "v1" };
const CORE = { group: "core.kubefed.io", version: "v1beta1" };
const TYPES = { group: "types.kubefed.io", version: "v1beta1" };
const SYSTEM = "kube-federation-system";
const AGENT = "panopticon:agent:attic";

const deployments: TargetType = {
  group: "apps",
  version: "v1",
  kind: "Deployment",
  plural: "deployments",
  namespaced: true,
};
const namespaces: TargetType = {
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  namespaced: false,
};

const KINDS: Readonly<Record<string, string>> = {
  namespaces: "Namespace",
  kubefedclusters: "KubeFedCluster",
  replicaschedulingpreferences: "ReplicaSchedulingPreference",
  conflicts: "Conflict",
};

const obstacle = await planeObstacle();
let plane: Plane;
let admin: Kube;
let agent: Kube;

beforeAll(async () => {
  if (obstacle !== undefined) return;
  plane = await startPlane({ controllers: false });
  admin = plane.open();
  agent = plane.open(await plane.user(AGENT, ["system:masters"]));
  const types = [deployments, namespaces].map((target) => federatedTypeFor(target));
  for (const crd of [...federationCrds(), ...types.map((one) => one.crd)]) {
    await put(
      admin,
      { group: "apiextensions.k8s.io", version: "v1", plural: "customresourcedefinitions" },
      crd,
    );
  }
  await put(admin, { group: "", version: "v1", plural: "namespaces" }, { metadata: { name: SYSTEM } });
  await until(() => put(admin, { ...CORE, plural: "kubefedconfigs" }, defaultConfig(), SYSTEM));
  for (const { typeConfig } of types) {
    await until(() => put(admin, { ...CORE, plural: "federatedtypeconfigs" }, typeConfig, SYSTEM));
  }
});

afterAll(async () => {
  if (obstacle === undefined) await plane.remove();
});

beforeEach((context: TestContext) => skipWithoutPlanes(context, obstacle));

async function put(kube: Kube, resource: Resource, object: object, namespace?: string): Promise<KubeObject> {
  const { group, version, plural } = resource;
  const typed = {
    apiVersion: group === "" ? version : `${group}/${version}`,
    kind: KINDS[plural],
    ...object,
  };
  return kube.create({ resource, ...(namespace !== undefined && { namespace }) }, typed as KubeObject);
}

/** A type that has just been defined takes a moment to be served. */
async function until<T>(action: () => Promise<T>): Promise<T> {
  const end = Date.now() + 20_000;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** Policies take a moment to be in force: succeeds once the first of them is. */
async function fenced(): Promise<void> {
  const refusal = await admin
    .patch({ resource: mirrors, name: "deployment-1" }, { spec: { hash: "x" } })
    .then(() => undefined, String);
  if (!refusal?.includes("read-only")) throw new Error(refusal ?? "the fence is not up yet");
}

const site = (name: string, seat: number, kind = "on-prem") => ({
  name,
  kind,
  seat,
  endpoints: ["https://10.0.0.1"],
});

function crown(spec: object): object {
  return {
    apiVersion: "federation.panopticon.dev/v1",
    kind: "Crown",
    metadata: { name: "crown" },
    spec: {
      epoch: 1001,
      holder: "attic",
      sites: [site("attic", 1), site("cellar", 2), site("sky", 0, "cloud")],
      history: [{ epoch: 1001, holder: "attic", at: "2026-01-01T00:00:00Z", how: "founded" }],
      ...spec,
    },
  };
}

function web(spec: object, name = "web"): object {
  return { apiVersion: "types.kubefed.io/v1beta1", kind: "FederatedDeployment", metadata: { name }, spec };
}

const key = {
  group: "apps",
  version: "v1",
  kind: "Deployment",
  plural: "deployments",
  namespace: "shop",
  name: "web",
};
const body = { kind: "FederatedDeployment" };
const mirror = (spec: object) => ({
  apiVersion: "federation.panopticon.dev/v1",
  kind: "Mirror",
  metadata: { name: "deployment-1" },
  spec: { ...key, uid: "u", resourceVersion: "99", epoch: 1001, hash: "h", ...spec },
});

const crowns = { ...OURS, plural: "crowns" };
const mirrors = { ...OURS, plural: "mirrors" };
const webs = { ...TYPES, plural: "federateddeployments" };
const cluster = (spec: object) => ({
  metadata: { name: "attic" },
  spec: { apiEndpoint: "https://10.0.0.1:6443", ...spec },
});
const kubeFedClusters = { ...CORE, plural: "kubefedclusters" };
const preference = (spec: object) => ({
  metadata: { name: "web" },
  spec: { targetKind: "FederatedDeployment", totalReplicas: 3, ...spec },
});
const preferences = {
  group: "scheduling.kubefed.io",
  version: "v1alpha1",
  plural: "replicaschedulingpreferences",
};
const override = (...clusterOverrides: readonly object[]) =>
  web({ overrides: [{ clusterName: "a", clusterOverrides }] });
const selector = (one: object) => web({ placement: { clusterSelector: { matchExpressions: [one] } } });

describe("an API server with the federation's resources", () => {
  it.each<[string, Resource, object, string | undefined, string]>([
    [
      "a crown of another name",
      crowns,
      { ...crown({}), metadata: { name: "other" } },
      undefined,
      "the only Crown",
    ],
    ["a crown for a cloud site", crowns, crown({ holder: "sky" }), undefined, "on-prem site"],
    ["a crown in another site's epoch", crowns, crown({ epoch: 1002 }), undefined, "on-prem site"],
    [
      "a seat given twice",
      crowns,
      crown({ sites: [site("attic", 1), site("cellar", 1)] }),
      undefined,
      "same seat",
    ],
    [
      "a mirror with body and tombstone",
      mirrors,
      mirror({ body, tombstone: { deletedAt: "2026-01-01T00:00:00Z", orphan: false, confirmedBy: [] } }),
      undefined,
      "body or a tombstone",
    ],
    [
      "an endpoint of another protocol",
      kubeFedClusters,
      cluster({ apiEndpoint: "ftp://x" }),
      SYSTEM,
      "apiEndpoint",
    ],
    [
      "a * beside others",
      kubeFedClusters,
      cluster({ disabledTLSValidations: ["*", "SubjectName"] }),
      SYSTEM,
      "stand alone",
    ],
    [
      "a type config of another name",
      { ...CORE, plural: "federatedtypeconfigs" },
      { ...federatedTypeFor(deployments).typeConfig, metadata: { name: "deployments.wrong" } },
      SYSTEM,
      "TARGET_PLURAL",
    ],
    [
      "a minimum above the maximum",
      preferences,
      preference({ clusters: { a: { minReplicas: 3, maxReplicas: 2 } } }),
      SYSTEM,
      "must not exceed",
    ],
    [
      "an override of the name",
      webs,
      override({ path: "/metadata/name", value: "x" }),
      SYSTEM,
      "can't be overridden",
    ],
    ["an override without a /", webs, override({ path: "spec", value: "x" }), SYSTEM, "path"],
    ["another operation", webs, override({ op: "move", path: "/spec", value: "x" }), SYSTEM, "op"],
    [
      "a path twice",
      webs,
      override({ path: "/spec", value: 1 }, { path: "/spec", value: 2 }),
      SYSTEM,
      "Duplicate",
    ],
    ["In without values", webs, selector({ key: "a", operator: "In" }), SYSTEM, "need values"],
    ["another operator", webs, selector({ key: "a", operator: "Near" }), SYSTEM, "Near"],
  ])("refuses %s", async (_what, resource, object, namespace, why) => {
    await expect(put(admin, resource, object, namespace)).rejects.toThrow(why);
  });

  it("takes what is right, null placements too", async () => {
    await put(admin, kubeFedClusters, cluster({ secretRef: { name: "s" }, proxyURL: "socks5://x" }), SYSTEM);
    await put(
      admin,
      preferences,
      preference({ clusters: { "*": { weight: 1 }, a: { minReplicas: 1, maxReplicas: 2 } } }),
      SYSTEM,
    );
    const spec = {
      template: { spec: { replicas: 1, anything: { goes: [1] } } },
      placement: { clusters: null, clusterSelector: {} },
      overrides: [
        {
          clusterName: "a",
          clusterOverrides: [
            { path: "/spec/replicas", value: 3 },
            { op: "remove", path: "/x" },
          ],
        },
      ],
      retainReplicas: true,
    };
    const made = (await put(admin, webs, web(spec, "right"), SYSTEM)) as { spec: object };
    expect(made.spec).toMatchObject({ template: spec.template, overrides: spec.overrides });
  });

  it("lets neither a mirror nor a crown go back", async () => {
    await put(admin, mirrors, mirror({ body }));
    const at = { resource: mirrors, name: "deployment-1" };
    await expect(admin.patch(at, { spec: { resourceVersion: "98" } })).rejects.toThrow(
      "older than the mirror",
    );
    await admin.patch(at, { spec: { resourceVersion: "100" } });
    await admin.patch(at, { spec: { resourceVersion: "5", epoch: 2002 } });
    await expect(admin.patch(at, { spec: { epoch: 1001 } })).rejects.toThrow("older than the mirror");
    await expect(admin.patch(at, { spec: { name: "other" } })).rejects.toThrow("another object's");
    await put(admin, crowns, crown({}));
    const mine = { resource: crowns, name: "crown" };
    await admin.patch(mine, { spec: { epoch: 2002, holder: "cellar" } });
    await expect(admin.patch(mine, { spec: { epoch: 1001, holder: "attic" } })).rejects.toThrow(
      "higher epoch wins",
    );
    await admin.patch(mine, { spec: { epoch: 3001, holder: "attic" } });
  });

  it("gives each cluster's status an owner of its own", async () => {
    await put(admin, webs, web({}, "shared"), SYSTEM);
    const status = { resource: webs, namespace: SYSTEM, name: "shared", subresource: "status" };
    await admin.patch(status, {
      status: { clusters: [{ name: "attic" }, { name: "cellar", status: "UpdateFailed", message: "why" }] },
    });
    const twice = { status: { clusters: [{ name: "attic" }, { name: "attic" }] } };
    await expect(admin.patch(status, twice)).rejects.toThrow("Duplicate");
  });
});

describe("the fence", () => {
  beforeAll(async () => {
    if (obstacle !== undefined) return;
    const fence = fencePolicies({ site: "attic", agent: AGENT });
    const plural = (kind = "") =>
      kind.endsWith("Binding") ? "validatingadmissionpolicybindings" : "validatingadmissionpolicies";
    for (const one of fence)
      await put(
        admin,
        { group: "admissionregistration.k8s.io", version: "v1", plural: plural(one.kind) },
        one,
      );
    await until(() => fenced());
  });

  it("keeps mirrors for the agent", async () => {
    const at = { resource: mirrors, name: "deployment-1" };
    await expect(admin.delete(at)).rejects.toThrow("read-only");
    await agent.patch(at, { spec: { hash: "y" } });
  });

  it("type-checks", async () => {
    const policies = {
      group: "admissionregistration.k8s.io",
      version: "v1",
      plural: "validatingadmissionpolicies",
    };
    const { items } = await admin.list({ resource: policies });
    expect(items.length).toBe(5);
    for (const policy of items) {
      const { status } = policy as { status?: { typeChecking?: { expressionWarnings?: unknown } } };
      expect(status?.typeChecking?.expressionWarnings).toBeUndefined();
    }
  });

  it("lets people decide a conflict and change nothing else of it", async () => {
    const spec = {
      ...key,
      operation: "Write",
      site: "cellar",
      epoch: 1001,
      resourceVersion: "5",
      hash: "h",
      foundAt: "2026-01-01T00:00:00Z",
      body,
    };
    const conflicts = { ...OURS, plural: "conflicts" };
    const object = { metadata: { name: "one" }, spec };
    await expect(put(admin, conflicts, object)).rejects.toThrow("read-only");
    await put(agent, conflicts, object);
    const at = { resource: conflicts, name: "one" };
    await expect(admin.patch(at, { spec: { hash: "other" } })).rejects.toThrow("only the resolution");
    await admin.patch(at, { spec: { resolution: "Apply" } });
    await expect(admin.patch(at, { spec: { resolution: "Discard" } })).rejects.toThrow("decided once");
  });

  it("stops writes at a hub while the crown moves, and for good once it has gone", async () => {
    const mine = { resource: crowns, name: "crown" };
    await until(() =>
      expect(put(admin, webs, web({}, `x${Date.now()}`), SYSTEM)).rejects.toThrow("is not open yet"),
    );
    const { spec } = await admin.get<KubeObject & { spec: { epoch: number } }>(mine);
    const { epoch } = spec;
    await agent.patch({ ...mine, subresource: "status" }, { status: { phase: "Open", epoch } });
    await until(() => put(admin, webs, web({}, "open"), SYSTEM));
    await admin.patch(mine, { spec: { frozen: { to: "cellar", at: "2026-01-01T00:00:00Z" } } });
    await until(() =>
      expect(put(admin, webs, web({}, `x${Date.now()}`), SYSTEM)).rejects.toThrow("is being moved to cellar"),
    );
    await admin.patch(mine, { spec: { epoch: 4002, holder: "cellar", frozen: null } });
    await until(() =>
      expect(put(admin, webs, web({}, `x${Date.now()}`), SYSTEM)).rejects.toThrow(
        "the crown is at cellar (epoch 4002)",
      ),
    );
    const open = { resource: webs, namespace: SYSTEM, name: "open" };
    await expect(admin.delete(open)).rejects.toThrow("cellar");
    await agent.delete(open);
    await expect(admin.delete(mine)).rejects.toThrow("read-only");
  });

  it("lets an agent write the status of its own site only, with whatever rights it has", async () => {
    const other = plane.open(await plane.user("panopticon:agent:cellar", ["system:masters"]));
    const status = { resource: webs, namespace: SYSTEM, name: "shared", subresource: "status" };
    const entry = (message: string) => ({ name: "cellar", status: "UpdateFailed", message });
    await other.patch(status, { status: { clusters: [{ name: "attic" }, entry("mine")] } });
    // Each try says something else, so that one made before the policy was in force does not hide the next.
    const theft = (message: string) => ({
      status: { clusters: [{ name: "attic", status: "CreationFailed", message }, entry("mine")] },
    });
    await until(() =>
      expect(other.patch(status, theft(`${Date.now()}`))).rejects.toThrow("its own site only"),
    );
    await expect(other.patch(status, { status: { clusters: [entry("mine")] } })).rejects.toThrow(
      "its own site only",
    );
    const judged = { status: { conditions: [{ type: "Propagation", status: "True" }] } };
    await expect(other.patch(status, judged)).rejects.toThrow("conditions are the hub's");
  });
});
