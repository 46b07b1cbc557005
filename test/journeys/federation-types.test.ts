/** kubefed's own end-to-end scenarios, on three real sites. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type KubeObject, type ObjectRef, type Resource } from "#ports/kube.ts";
import { planeObstacle, skipWithoutPlanes } from "../kube/programs.ts";
import { customType, TYPE_CASES, type TypeCase, valueAt } from "./federated-types.ts";
import {
  CONFIG_MAPS,
  type Federation,
  FEDERATED_MAPS,
  mapRef,
  type Site,
  startFederation,
  until,
} from "./federation.ts";

const obstacle = await planeObstacle();
const SECONDS = 60;
const SPACE = "types";
const NAMESPACES: Resource = { group: "", version: "v1", plural: "namespaces" };
const FEDERATED_SPACES: Resource = {
  group: "types.kubefed.io",
  version: "v1beta1",
  plural: "federatednamespaces",
};
const DEFINITIONS: Resource = {
  group: "apiextensions.k8s.io",
  version: "v1",
  plural: "customresourcedefinitions",
};
const CONFIGS: Resource = { group: "core.kubefed.io", version: "v1beta1", plural: "kubefedconfigs" };
const MIRRORS: Resource = { group: "federation.panopticon.dev", version: "v1", plural: "mirrors" };

describe("a federation of three sites", () => {
  let federation: Federation;
  let hub: Site;
  let two: Site;
  let three: Site;
  const sites = () => [hub, two, three];
  const soon = (what: string, holds: () => Promise<boolean>) => until(what, SECONDS, holds, sites());
  const at = (one: TypeCase, name: string, resource = one.resource): ObjectRef => ({
    resource,
    name,
    ...(one.namespace !== undefined && { namespace: one.namespace }),
  });
  const create = async (one: TypeCase, name: string, spec: object = {}, annotations = {}): Promise<void> => {
    const { name: _name, ...place } = at(one, name, one.federated);
    const clusters = sites().map((site) => ({ name: site.name }));
    await hub.kube.create(place, {
      apiVersion: "types.kubefed.io/v1beta1",
      kind: `Federated${one.kind}`,
      metadata: { name, annotations, ...(one.namespace !== undefined && { namespace: one.namespace }) },
      spec: { template: one.template, placement: { clusters }, ...spec },
    } as KubeObject);
  };
  const maps = TYPE_CASES[0] as TypeCase;
  const statusOf = async (name: string) =>
    (
      (await hub.kube.get({ resource: FEDERATED_MAPS, namespace: SPACE, name })) as {
        status?: { clusters?: { name: string; status?: string }[]; conditions?: { reason?: string }[] };
      }
    ).status;
  const wordOf = async (name: string, site: Site) =>
    (await statusOf(name))?.clusters?.find((one) => one.name === site.name)?.status ?? "";
  const mapAt = ({ kube }: Site, name: string) => kube.find({ ...mapRef(name), namespace: SPACE });

  beforeEach((context) => skipWithoutPlanes(context, obstacle));
  beforeAll(async () => {
    if (obstacle !== undefined) return;
    federation = await startFederation(3, { types: false });
    [hub, two, three] = federation.sites as [Site, Site, Site];
    for (const { kube } of sites()) {
      await kube.create({ resource: DEFINITIONS }, customType("Gadget", "Namespaced"));
      await kube.create({ resource: DEFINITIONS }, customType("Realm", "Cluster"));
    }
    await soon("the hub serves them", () =>
      hub.kube.list({ resource: TYPE_CASES.at(-1)?.resource as Resource }).then(() => true),
    );
    await federation.panopticon("federate", "enable", "namespaces");
    for (const { type } of TYPE_CASES) await federation.panopticon("federate", "enable", type);
    await hub.kube.create({ resource: NAMESPACES }, namespace(SPACE));
    await federation.panopticon("federate", "namespace", SPACE);
  });
  afterAll(() => federation?.remove());

  it.each(TYPE_CASES)("creates, overrides, places and deletes $type", async (one) => {
    const { path, everywhere, otherwise } = one;
    const name = `whole-${one.kind.toLowerCase()}`;
    const ref = at(one, name);
    const overrides = (site: Site) => [
      { clusterName: site.name, clusterOverrides: [{ path, value: otherwise }] },
    ];
    const isAt = async ({ kube }: Site, value: unknown) => valueAt(await kube.find(ref), path) === value;
    await create(one, name, { overrides: overrides(two) });
    await soon("it is everywhere as it should be", async () =>
      (await Promise.all([isAt(hub, everywhere), isAt(two, otherwise), isAt(three, everywhere)])).every(
        Boolean,
      ),
    );
    for (const { kube } of sites()) {
      const { labels, annotations } = (await kube.get(ref)).metadata ?? {};
      expect(labels?.["kubefed.io/managed"]).toBe("true");
      expect(annotations?.["federation.panopticon.dev/applied"]).toMatch(/^[0-9a-f]{32}$/);
    }
    const federated = at(one, name, one.federated);
    await soon("the status says that every site has this version", async () => {
      const { metadata, status } = (await hub.kube.get(federated)) as KubeObject & {
        status?: { clusters?: { status?: string; observedGeneration?: number }[] };
      };
      const entries = status?.clusters ?? [];
      const generation = metadata?.generation;
      return entries.length === 3 && entries.every((e) => !e.status && e.observedGeneration === generation);
    });
    await hub.kube.patch(federated, { spec: { overrides: overrides(three) } });
    await soon("the override has moved", async () =>
      (await Promise.all([isAt(hub, everywhere), isAt(two, everywhere), isAt(three, otherwise)])).every(
        Boolean,
      ),
    );
    const clusters = [hub, two].map((site) => ({ name: site.name }));
    await hub.kube.patch(federated, { spec: { placement: { clusters } } });
    await soon("it is gone where it is not placed", async () => (await three.kube.find(ref)) === undefined);
    expect(await isAt(two, everywhere)).toBe(true);
    await hub.kube.delete(federated);
    await soon("it is gone everywhere", async () =>
      (await Promise.all(sites().map(({ kube }) => kube.find(ref)))).every((copy) => copy === undefined),
    );
  });

  it("takes a namespace away from a site where it is not placed any more, with what is in it", async () => {
    await hub.kube.create({ resource: NAMESPACES }, namespace("moving"));
    await federation.panopticon("federate", "namespace", "moving");
    const there = ({ kube }: Site) => kube.find({ resource: NAMESPACES, name: "moving" });
    await soon("it is there", async () => (await there(three)) !== undefined);
    const clusters = [hub, two].map((site) => ({ name: site.name }));
    const ref = { resource: FEDERATED_SPACES, namespace: "moving", name: "moving" };
    await hub.kube.patch(ref, { spec: { placement: { clusters } } });
    await soon("it is gone there", async () => (await there(three)) === undefined);
    await hub.kube.delete(ref);
    await soon("it is gone at the members", async () => (await there(two)) === undefined);
    expect(await there(hub)).toBeDefined();
  });

  it.each(TYPE_CASES.filter(({ resource }) => resource.group === "example.test"))(
    "leaves the copies of $type where it is orphaned",
    async (one) => {
      await create(one, "orphan", {}, { "kubefed.io/orphan": "true" });
      const ref = at(one, "orphan");
      const copies = () => Promise.all(sites().map(({ kube }) => kube.find(ref)));
      await soon("it is everywhere", async () => (await copies()).every(Boolean));
      await hub.kube.delete(at(one, "orphan", one.federated));
      expect(await copies()).toHaveLength(3);
      await soon("it is nobody's everywhere", async () =>
        (await copies()).every((copy) => copy && copy.metadata?.labels?.["kubefed.io/managed"] === undefined),
      );
    },
  );

  it("goes nowhere while its namespace is not federated, and says so", async () => {
    await hub.kube.create({ resource: NAMESPACES }, namespace("apart"));
    const apart = { ...maps, namespace: "apart" };
    await create(apart, "waiting");
    const federated = at(apart, "waiting", maps.federated);
    await soon("it says so", async () => {
      const { status } = (await hub.kube.get(federated)) as {
        status?: { conditions?: { reason?: string }[] };
      };
      return status?.conditions?.[0]?.reason === "NamespaceNotFederated";
    });
    expect(await two.kube.find(at(apart, "waiting"))).toBeUndefined();
    await federation.panopticon("federate", "namespace", "apart");
    await soon("it is there", async () => (await two.kube.find(at(apart, "waiting"))) !== undefined);
  });

  it("leaves alone what is labelled so, and does not delete it", async () => {
    await create(maps, "hands-off");
    await soon("it is there", async () => (await mapAt(two, "hands-off")) !== undefined);
    const metadata = { labels: { "kubefed.io/managed": "false" } };
    await two.kube.patch({ ...mapRef("hands-off"), namespace: SPACE }, { metadata, data: { key: "own" } });
    await hub.kube.patch(at(maps, "hands-off", maps.federated), {
      spec: { template: { data: { key: "newer" } } },
    });
    await soon("it is told", async () => (await wordOf("hands-off", two)) === "ManagedLabelFalse");
    expect((await mapAt(two, "hands-off"))?.data).toEqual({ key: "own" });
    await hub.kube.delete(at(maps, "hands-off", maps.federated));
    await soon("it is gone elsewhere", async () => (await mapAt(three, "hands-off")) === undefined);
    expect((await mapAt(two, "hands-off"))?.data).toEqual({ key: "own" });
  });

  it("takes over what a site had before, unless it is told not to; then it neither changes nor deletes it", async () => {
    const own = (name: string) =>
      two.kube.create(
        { resource: CONFIG_MAPS, namespace: SPACE },
        { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { key: "own" } },
      );
    await own("adopted");
    await create(maps, "adopted");
    await soon("it is taken over", async () => (await mapAt(two, "adopted"))?.data?.["key"] === "everywhere");
    const config = { resource: CONFIGS, namespace: "kube-federation-system", name: "kubefed" };
    const adopt = async (adoptResources: string) => {
      const spec = { syncController: { adoptResources } };
      await hub.kube.patch(config, { spec });
      await soon("the site knows", async () =>
        (await two.kube.list({ resource: MIRRORS })).items.some(
          (one) => valueAt(one, "/spec/body/spec/syncController/adoptResources") === adoptResources,
        ),
      );
    };
    await adopt("Disabled");
    await own("foreign");
    await create(maps, "foreign");
    await soon("it is told", async () => (await wordOf("foreign", two)) === "AlreadyExists");
    await soon("it is elsewhere", async () => (await mapAt(three, "foreign")) !== undefined);
    await hub.kube.delete(at(maps, "foreign", maps.federated));
    await soon("it is gone elsewhere", async () => (await mapAt(three, "foreign")) === undefined);
    expect((await mapAt(two, "foreign"))?.data).toEqual({ key: "own" });
    await adopt("Enabled");
  });

  it("deletes copies as the annotation's options say", async () => {
    const deployments = TYPE_CASES[2] as TypeCase;
    const option = (propagationPolicy: string) => ({
      "kubefed.io/deleteoption": JSON.stringify({ propagationPolicy }),
    });
    for (const policy of ["Orphan", "Background"]) {
      const name = `owner-${policy.toLowerCase()}`;
      await create(deployments, name, {}, option(policy));
      await soon("it is there", async () => (await two.kube.find(at(deployments, name))) !== undefined);
      const { metadata } = await two.kube.get(at(deployments, name));
      await two.kube.create(
        { resource: CONFIG_MAPS, namespace: SPACE },
        {
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: {
            name: `of-${name}`,
            ownerReferences: [{ apiVersion: "apps/v1", kind: "Deployment", name, uid: metadata?.uid ?? "" }],
          },
        },
      );
      await hub.kube.delete(at(deployments, name, deployments.federated));
      await soon("it is gone", async () => (await two.kube.find(at(deployments, name))) === undefined);
    }
    await soon(
      "what it owned goes with it",
      async () => (await mapAt(two, "of-owner-background")) === undefined,
    );
    expect((await mapAt(two, "of-owner-orphan"))?.metadata?.ownerReferences ?? []).toEqual([]);
  });
});

function namespace(name: string): KubeObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}
