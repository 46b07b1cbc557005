/** An external cloud site gets what is placed on it, and sees nothing else of the federation. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CLOUD_AGENTS_GROUP } from "#control/federation/join/identity.ts";
import type { Kube, KubeObject, Resource } from "#ports/kube.ts";
import { planeObstacle, skipWithoutPlanes } from "../kube/programs.ts";
import {
  CONFIG_MAPS,
  createMap,
  type Federation,
  federatedMap,
  FEDERATED_MAPS,
  federatedRef,
  mapRef,
  type Site,
  startFederation,
  until,
} from "./federation.ts";

const obstacle = await planeObstacle();
const OURS = { group: "federation.panopticon.dev", version: "v1" };
const VIEWS: Resource<View> = { ...OURS, plural: "views" };

interface View extends KubeObject {
  readonly spec: { readonly kind: string; readonly name: string; readonly body?: object };
}

interface Told extends KubeObject {
  readonly status?: {
    readonly clusters?: readonly {
      readonly name: string;
      readonly status?: string;
      readonly message?: string;
    }[];
  };
}

describe("an external cloud site", () => {
  let federation: Federation;
  let hub: Site;
  let two: Site;
  let cloud: Site;
  /** At the hub, with the credentials of the cloud's agent. */
  let thief: Kube;
  const space = () => `panopticon-site-${cloud.name}`;
  const valueAt = async ({ kube }: Site, name: string) => (await kube.find(mapRef(name)))?.data?.["value"];
  const viewsOf = async (name: string, at = hub) =>
    (await at.kube.list({ resource: VIEWS, namespace: space() })).items.filter(
      ({ spec }) => spec.name === name,
    );
  const entryOf = async (name: string, at = hub) =>
    ((await at.kube.get(federatedRef(name))) as Told).status?.clusters?.find(
      (one) => one.name === cloud.name,
    );
  const soon = (what: string, holds: () => Promise<boolean>, seconds = 60) =>
    until(what, seconds, holds, federation.sites);
  const on = (...sites: readonly Site[]) => ({
    placement: { clusters: sites.map(({ name }) => ({ name })) },
  });

  beforeEach((context) => skipWithoutPlanes(context, obstacle));
  beforeAll(async () => {
    if (obstacle !== undefined) return;
    federation = await startFederation(3, { clouds: 1 });
    [hub, two, cloud] = federation.sites as [Site, Site, Site];
    const { client } = await hub.plane.user(`panopticon:agent:${cloud.name}`, [CLOUD_AGENTS_GROUP]);
    if (!client) throw new Error("the cloud's agent has no certificate");
    thief = hub.plane.open({ client });
    await createMap(hub.kube, federatedMap("shared", { value: "1" }));
    await createMap(hub.kube, federatedMap("inner", { value: "secret" }, on(hub, two)));
    await soon("what is placed there is there", async () => (await valueAt(cloud, "shared")) === "1", 120);
    await soon("what is placed elsewhere is there", async () => (await valueAt(two, "inner")) === "secret");
  });
  afterAll(() => federation?.remove());

  it("says how what is placed on it fares, as every site does", async () => {
    await soon("its entry is there", async () => (await entryOf("shared")) !== undefined);
    expect((await entryOf("shared"))?.status ?? "").toBe("");
    await createMap(hub.kube, federatedMap("broken", {}, { template: { data: { "not a key!": "1" } } }));
    await soon("what is wrong is told", async () => (await entryOf("broken"))?.status === "CreationFailed");
    expect((await entryOf("broken"))?.message).toMatch(/not a key!/);
    expect(await entryOf("inner")).toBeUndefined();
  });

  it("never gets, and can't read with its credentials, what is not placed on it", async () => {
    expect(await valueAt(cloud, "inner")).toBeUndefined();
    expect(await viewsOf("inner")).toEqual([]);
    const shown = (await hub.kube.list({ resource: VIEWS, namespace: space() })).items;
    expect(JSON.stringify(shown)).not.toContain("secret");
    const types = ["federatedconfigmaps", "federatednamespaces"].map((plural) => ({
      ...FEDERATED_MAPS,
      plural,
    }));
    const ours = ["mirrors", "conflicts", "siterequests", "views"].map((plural) => ({ ...OURS, plural }));
    const core = ["kubefedclusters", "federatedtypeconfigs", "kubefedconfigs"].map((plural) => ({
      group: "core.kubefed.io",
      version: "v1beta1",
      plural,
    }));
    const others = ["secrets", "configmaps", "namespaces"].map((plural) => ({ ...CONFIG_MAPS, plural }));
    for (const resource of [...types, ...ours, ...core, ...others])
      await expect(thief.list({ resource }), resource.plural).rejects.toThrow(/KUBE_FORBIDDEN/);
    await expect(thief.get(federatedRef("shared"))).rejects.toThrow(/KUBE_FORBIDDEN/);
    expect((await thief.list({ resource: VIEWS, namespace: space() })).items.length).toBeGreaterThan(0);
  });

  it("can't show itself anything, nor tell of a resource but in its views", async () => {
    const [view] = await viewsOf("shared");
    if (!view) throw new Error("there is no view");
    await expect(
      thief.replace({ resource: VIEWS, namespace: space(), name: view.metadata?.name ?? "" }, view),
    ).rejects.toThrow(/KUBE_FORBIDDEN/);
    const { metadata: _metadata, ...rest } = view;
    const forged = { ...rest, metadata: { namespace: space(), name: "forged" } };
    await expect(thief.create({ resource: VIEWS, namespace: space() }, forged)).rejects.toThrow(
      /an agent only asks/,
    );
    await expect(
      thief.patch({ ...federatedRef("shared"), subresource: "status" }, { status: { clusters: [] } }),
    ).rejects.toThrow(/KUBE_FORBIDDEN/);
  });

  it("is shown its own overrides and no others, and mends what is changed there by hand", async () => {
    const overrides = [two, cloud].map(({ name }) => ({
      clusterName: name,
      clusterOverrides: [{ path: "/data/value", value: `of ${name}` }],
    }));
    await hub.kube.patch(federatedRef("shared"), { spec: { overrides } });
    await soon("its override is there", async () => (await valueAt(cloud, "shared")) === `of ${cloud.name}`);
    expect(JSON.stringify(await viewsOf("shared"))).not.toContain(`of ${two.name}`);
    await cloud.kube.patch(mapRef("shared"), { data: { value: "by hand" } });
    await soon("it is mended", async () => (await valueAt(cloud, "shared")) === `of ${cloud.name}`);
  });

  it("gives up what is placed on it no more, and then there is no word of it", async () => {
    await createMap(hub.kube, federatedMap("passing", { value: "1" }));
    await soon("it is there", async () => (await valueAt(cloud, "passing")) === "1");
    await soon("it is told", async () => (await entryOf("passing")) !== undefined);
    await hub.kube.patch(federatedRef("passing"), {
      spec: { placement: { clusterSelector: null, ...on(hub, two).placement } },
    });
    await soon("it is gone there", async () => (await valueAt(cloud, "passing")) === undefined);
    await soon(
      "its view and its entry are gone",
      async () => (await viewsOf("passing")).length === 0 && (await entryOf("passing")) === undefined,
    );
    expect(await valueAt(two, "passing")).toBe("1");
  });

  it("makes a deletion that happened while it was away and the crown went on", async () => {
    await createMap(hub.kube, federatedMap("late", { value: "1" }));
    await soon("it is there", async () => (await valueAt(cloud, "late")) === "1");
    await cloud.killAgent();
    await hub.kube.delete(federatedRef("late"));
    await soon("it is gone elsewhere", async () => (await valueAt(two, "late")) === undefined);
    await federation.panopticon("crown", "move", "--to", two.name);
    await createMap(two.kube, federatedMap("after", { value: "2" }));
    cloud.startAgent();
    await soon("it has what the new hub says", async () => (await valueAt(cloud, "after")) === "2", 90);
    await soon("the deletion is made", async () => (await valueAt(cloud, "late")) === undefined, 90);
    await soon("the record of it ends", async () => (await viewsOf("late", two)).length === 0);
    expect(await valueAt(cloud, "shared")).toBe(`of ${cloud.name}`);
    await soon("it tells the new hub", async () => (await entryOf("after", two)) !== undefined);
  });

  it("can't be crowned", async () => {
    const refused = federation.panopticon("crown", "move", "--to", cloud.name, "--context", two.name);
    await expect(refused).rejects.toThrow(/FEDERATION_CROWN_NOT_ELIGIBLE/);
  });
});
