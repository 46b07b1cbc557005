/** What is broken hurts itself only, and says so where it is looked for: an object, a type, a site, a clock. */
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { KubeObject, Resource } from "#ports/kube.ts";
import { planeObstacle, skipWithoutPlanes } from "../kube/programs.ts";
import { customType } from "./federated-types.ts";
import {
  createMap,
  type Federation,
  federatedMap,
  federatedRef,
  mapRef,
  type Site,
  SPACE,
  startFederation,
  until,
} from "./federation.ts";

const obstacle = await planeObstacle();
const DEFINITIONS: Resource = {
  group: "apiextensions.k8s.io",
  version: "v1",
  plural: "customresourcedefinitions",
};
const WIDGETS: Resource = { group: "example.test", version: "v1", plural: "widgets" };
const FEDERATED_WIDGETS: Resource = {
  group: "types.kubefed.io",
  version: "v1beta1",
  plural: "federatedwidgets",
};
const HALF = 30;
const SECONDS = 90;

interface Status {
  readonly clusters?: readonly {
    readonly name: string;
    readonly status?: string;
    readonly message?: string;
  }[];
  readonly conditions?: readonly {
    readonly status: string;
    readonly reason?: string;
    readonly message?: string;
  }[];
}

describe("a federation of three sites", () => {
  let federation: Federation;
  let hub: Site;
  let two: Site;
  let three: Site;
  const sites = () => [hub, two, three];
  const has = async ({ kube }: Site, name: string) => (await kube.find(mapRef(name))) !== undefined;
  const untilThere = (names: readonly string[], where: readonly Site[]) =>
    until(
      `${names.length} are there`,
      SECONDS,
      async () => {
        const asked = where.flatMap((site) => names.map((name) => has(site, name)));
        return (await Promise.all(asked)).every(Boolean);
      },
      sites(),
    );
  const statusOf = async (name: string, resource = federatedRef(name).resource): Promise<Status> =>
    ((await hub.kube.get({ resource, namespace: SPACE, name })) as { status?: Status }).status ?? {};
  /** Until a site says this of the resource, and the condition names it. */
  const untilSaid = async (name: string, site: Site, word: string, text: RegExp, resource?: Resource) => {
    await until(
      `${site.name} says ${word} of ${name}`,
      SECONDS,
      async () => {
        const { clusters = [], conditions = [] } = await statusOf(name, resource);
        const entry = clusters.find((one) => one.name === site.name);
        const [condition] = conditions;
        const summed = word === "" || condition?.message?.includes(`${site.name}: ${word}`) === true;
        return (
          entry !== undefined && (entry.status ?? "") === word && text.test(entry.message ?? "") && summed
        );
      },
      sites(),
    );
  };

  beforeEach((context) => skipWithoutPlanes(context, obstacle));
  beforeAll(async () => {
    if (obstacle !== undefined) return;
    federation = await startFederation(3, { lines: true });
    [hub, two, three] = federation.sites as [Site, Site, Site];
    await createMap(hub.kube, federatedMap("first", { value: "1" }));
    await untilThere(["first"], sites());
  });
  afterAll(() => federation?.remove());

  it("brings the valid half of its objects to every site, and says of each other what is wrong", async () => {
    const numbers = Array.from({ length: HALF }, (_, index) => index);
    const good = numbers.map((index) => `good-${index}`);
    const clusterSelector = { matchLabels: { nowhere: "at-all" } };
    const replace = { op: "replace", path: "/data/missing/deeper", value: "x" };
    const overrides = [{ clusterName: three.name, clusterOverrides: [replace] }];
    for (const index of numbers) {
      const number = { value: index } as unknown as Record<string, string>;
      await createMap(hub.kube, federatedMap(`refused-${index}`, number));
      await createMap(hub.kube, federatedMap(`override-${index}`, { value: "1" }, { overrides }));
      await createMap(
        hub.kube,
        federatedMap(`nowhere-${index}`, { value: "1" }, { placement: { clusterSelector } }),
      );
      await createMap(hub.kube, federatedMap(`good-${index}`, { value: "1" }));
    }
    await untilThere(good, sites());
    await untilThere(
      numbers.map((index) => `override-${index}`),
      [hub, two],
    );
    for (const site of sites())
      await untilSaid("refused-0", site, "CreationFailed", /value.*string|string.*value/s);
    await untilSaid("override-0", three, "ApplyOverridesFailed", /\/data\/missing\/deeper/);
    await untilSaid("override-0", two, "", /^$/);
    await until(
      "it is said that it goes nowhere",
      SECONDS,
      async () => (await statusOf("nowhere-0")).conditions?.[0]?.message === "no cluster is selected",
      sites(),
    );
    const reached = await Promise.all(sites().map((site) => has(site, "refused-0")));
    expect(reached).toEqual([false, false, false]);
    expect(await has(three, "override-0")).toBe(false);
  });

  it("waits for a type that one site does not have, and for one that is broken there, and holds up no other", async () => {
    await hub.kube.create({ resource: DEFINITIONS }, customType("Widget", "Namespaced"));
    await two.kube.create({ resource: DEFINITIONS }, customType("Widget", "Namespaced", ["size", "colour"]));
    await until("the hub serves it", 30, () => hub.kube.list({ resource: WIDGETS }).then(() => true));
    await federation.panopticon("federate", "enable", "widgets.example.test");
    await hub.kube.create({ resource: FEDERATED_WIDGETS, namespace: SPACE }, {
      apiVersion: "types.kubefed.io/v1beta1",
      kind: "FederatedWidget",
      metadata: { name: "wheel", namespace: SPACE },
      spec: { template: { spec: { size: 3 } }, placement: { clusterSelector: {} } },
    } as KubeObject);
    await untilSaid("wheel", three, "RetrievalFailed", /does not serve Widget/, FEDERATED_WIDGETS);
    await untilSaid("wheel", two, "CreationFailed", /colour/, FEDERATED_WIDGETS);
    await untilSaid("wheel", hub, "", /^$/, FEDERATED_WIDGETS);
    await createMap(hub.kube, federatedMap("beside-widgets", { value: "1" }));
    await untilThere(["beside-widgets"], sites());
    await three.kube.create({ resource: DEFINITIONS }, customType("Widget", "Namespaced"));
    await untilSaid("wheel", three, "", /^$/, FEDERATED_WIDGETS);
    expect(await three.kube.find({ resource: WIDGETS, namespace: SPACE, name: "wheel" })).toBeDefined();
  });

  it("goes on where one object always fails at one site, until what stops it is gone", async () => {
    const policy = { group: "admissionregistration.k8s.io", version: "v1" };
    const policies: Resource = { ...policy, plural: "validatingadmissionpolicies" };
    const bindings: Resource = { ...policy, plural: "validatingadmissionpolicybindings" };
    await three.kube.create({ resource: policies }, stubbornPolicy());
    await three.kube.create({ resource: bindings }, stubbornBinding());
    const probe = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "stubborn" } };
    const into = { resource: mapRef("stubborn").resource, namespace: SPACE };
    await until("the policy works", 60, () =>
      three.kube.create(into, probe, { dryRun: true }).then(
        () => false,
        () => true,
      ),
    );
    await createMap(hub.kube, federatedMap("stubborn", { value: "1" }));
    await createMap(hub.kube, federatedMap("beside-stubborn", { value: "1" }));
    await untilThere(["beside-stubborn"], sites());
    await untilSaid("stubborn", three, "CreationFailed", /not here/);
    await untilSaid("stubborn", two, "", /^$/);
    await three.kube.delete({ resource: bindings, name: "stubborn" });
    await untilThere(["stubborn"], sites());
    await untilSaid("stubborn", three, "", /^$/);
    expect((await statusOf("beside-stubborn")).clusters).toHaveLength(3);
  });

  it("does not wait for a site that is slow, nor for one that is cut off from its own API", async () => {
    three.far.slow(500);
    three.near.slow(500);
    const slow = Array.from({ length: HALF }, (_, index) => `slow-${index}`);
    for (const name of slow) await createMap(hub.kube, federatedMap(name, { value: "1" }));
    await untilThere(slow, [hub, two]);
    three.near.cut();
    await createMap(hub.kube, federatedMap("while-cut", { value: "1" }));
    await untilThere(["while-cut"], [hub, two]);
    expect(await has(three, "while-cut")).toBe(false);
    for (const line of [three.near, three.far]) line.slow(0);
    three.near.mend();
    await untilThere([...slow, "while-cut"], [three]);
  });

  it("does its work where a site's clock is an hour ahead, and where it jumps back in the middle", async () => {
    await two.killAgent();
    const preload = join(import.meta.dirname, "clock-shift.ts");
    two.startAgent({ NODE_OPTIONS: `--import=${preload}` });
    await createMap(hub.kube, federatedMap("ahead", { value: "1" }));
    await untilThere(["ahead"], sites());
    await untilSaid("ahead", two, "", /^$/);
    const lease = await hub.kube.get<KubeObject & { readonly spec: { readonly renewTime: string } }>({
      resource: { group: "coordination.k8s.io", version: "v1", plural: "leases" },
      namespace: "kube-federation-system",
      name: `site-${two.name}`,
    });
    expect(Date.parse(lease.spec.renewTime) - Date.now()).toBeGreaterThan(3_000_000);
    process.kill(two.agentProcess() as number, "SIGUSR2");
    await hub.kube.patch(federatedRef("ahead"), { spec: { template: { data: { value: "2" } } } });
    await until(
      "the change is there",
      SECONDS,
      async () => (await two.kube.find(mapRef("ahead")))?.data?.["value"] === "2",
      sites(),
    );
    await createMap(hub.kube, federatedMap("behind", { value: "1" }));
    await untilThere(["behind"], sites());
    await untilSaid("behind", two, "", /^$/);
    await until(
      "the hub has its status of the change",
      SECONDS,
      async () => (await statusOf("ahead")).conditions?.[0]?.status === "True",
      sites(),
    );
    const listed = await federation.panopticon("site", "list", "-o", "json");
    const { sites: lines } = JSON.parse(listed) as { sites: { name: string; ready?: boolean }[] };
    expect(lines.find(({ name }) => name === two.name)?.ready).toBe(true);
  });
});

function stubbornPolicy(): KubeObject {
  const rule = {
    apiGroups: [""],
    apiVersions: ["v1"],
    resources: ["configmaps"],
    operations: ["CREATE", "UPDATE"],
  };
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicy",
    metadata: { name: "stubborn" },
    spec: {
      matchConstraints: { resourceRules: [rule] },
      validations: [{ expression: "object.metadata.name != 'stubborn'", message: "not here" }],
    },
  } as KubeObject;
}

function stubbornBinding(): KubeObject {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name: "stubborn" },
    spec: { policyName: "stubborn", validationActions: ["Deny"] },
  } as KubeObject;
}
