/** Sites that leave a federation for good: drained, orphaned, or dead. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
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
  SPACE,
  startFederation,
  until,
} from "./federation.ts";

const obstacle = await planeObstacle();
const OURS = { group: "federation.panopticon.dev", version: "v1" };
const MANAGED = "kubefed.io/managed";
const CLUSTERS = { group: "core.kubefed.io", version: "v1beta1", plural: "kubefedclusters" };
const NAMESPACE = { resource: { group: "", version: "v1", plural: "namespaces" }, name: SPACE };
const SYSTEM = "kube-federation-system";
const POLICIES: Resource = {
  group: "admissionregistration.k8s.io",
  version: "v1",
  plural: "validatingadmissionpolicies",
};

const CROWNS: Resource<Listed> = { ...OURS, plural: "crowns" };

interface Listed extends KubeObject {
  readonly spec: { readonly sites: readonly { readonly name: string; readonly seat: number }[] };
}

describe("a site that leaves for good", () => {
  let federation: Federation;
  let hub: Site;
  let two: Site;
  let three: Site;
  const refusal = (...argv: readonly string[]) =>
    federation.panopticon(...argv).then(
      () => "no refusal",
      (error: Error) => error.message,
    );
  const sitesOf = async (kube: Kube) => (await kube.get({ resource: CROWNS, name: "crown" })).spec.sites;
  const namesTold = async (name: string) => {
    const { status } = (await hub.kube.get(federatedRef(name))) as {
      status?: { clusters?: readonly { readonly name: string }[] };
    };
    return (status?.clusters ?? []).map((one) => one.name).toSorted();
  };
  const ended = (site: Site) =>
    until(`the agent of ${site.name} has ended`, 120, async () => site.agentExit() !== undefined, [site]);
  const countAt = async ({ kube }: Site) =>
    (await kube.list({ resource: CONFIG_MAPS, namespace: SPACE }, { labelSelector: MANAGED })).items.length;

  beforeEach((context) => skipWithoutPlanes(context, obstacle));
  beforeAll(async () => {
    if (obstacle !== undefined) return;
    federation = await startFederation(3);
    [hub, two, three] = federation.sites as [Site, Site, Site];
    const names = Array.from({ length: 80 }, (_, index) => `map-${index}`);
    await Promise.all(names.map((name) => createMap(hub.kube, federatedMap(name, { value: "1" }))));
    for (const site of federation.sites)
      await until(`${site.name} has them`, 90, async () => (await countAt(site)) >= 80, federation.sites);
    await until("the hub knows", 60, async () => (await namesTold("map-79")).length === 3, federation.sites);
  });
  afterAll(() => federation?.remove());

  it("is not the holder of the crown, nor one that there is not, nor without a word on its copies", async () => {
    expect(await refusal("site", "remove", hub.name, "--drain")).toMatch(/FEDERATION_SITE_CROWNED/);
    expect(await refusal("site", "remove", "nowhere", "--drain")).toMatch(/FEDERATION_SITE_UNKNOWN/);
    expect(await refusal("site", "remove", two.name)).toMatch(/FEDERATION_FAREWELL_MISSING/);
    expect(await refusal("site", "remove", three.name, "--drain", "--context", two.name)).toMatch(
      /FEDERATION_NOT_HUB/,
    );
  });

  it("is told what would happen before it does", async () => {
    const said = await federation.panopticon("site", "remove", three.name, "--drain", "--dry-run");
    expect(said).toMatch(/81 objects .*would be deleted/);
    expect(said).toMatch(/80 +federatedconfigmaps/);
    expect(await sitesOf(hub.kube)).toHaveLength(3);
    expect(await countAt(three)).toBe(80);
  });

  it("is drained: its copies go whatever the brake would say, then its agent, then all that the hub keeps of it", async () => {
    await three.kube.create({ resource: CONFIG_MAPS, namespace: "default" }, {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "its-own" },
      data: {},
    } as KubeObject);
    const said = await federation.panopticon("site", "remove", three.name, "--drain");
    expect(said).toMatch(/is in the federation no more/);
    await ended(three);
    expect(three.agentExit()).toBe(0);
    expect(three.agentLog()).toMatch(/has left the federation/);
    await until("its namespace is gone", 60, async () => (await three.kube.find(NAMESPACE)) === undefined);
    expect(await three.kube.find({ ...mapRef("its-own"), namespace: "default" })).toBeDefined();
    expect((await three.kube.list({ resource: { ...OURS, plural: "mirrors" } })).items).toEqual([]);
    expect((await three.kube.list({ resource: { ...OURS, plural: "crowns" } })).items).toEqual([]);
    expect((await three.kube.list({ resource: POLICIES })).items).toEqual([]);
    expect((await sitesOf(hub.kube)).map(({ name }) => name)).toEqual([hub.name, two.name]);
    expect(await hub.kube.find({ resource: CLUSTERS, namespace: SYSTEM, name: three.name })).toBeUndefined();
    await until(
      "no status names it",
      60,
      async () => {
        const { items } = await hub.kube.list({ resource: FEDERATED_MAPS, namespace: SPACE });
        return !JSON.stringify(items.map((one) => (one as { status?: object }).status)).includes(three.name);
      },
      [hub],
    );
    expect(await countAt(two)).toBe(80);
    expect(await countAt(hub)).toBe(80);
  });

  it("can't let itself in again, and can be let in by somebody, with another seat", async () => {
    three.startAgent();
    await ended(three);
    expect(three.agentExit()).toBe(2);
    expect(three.agentLog()).toMatch(/FEDERATION_SITE_REMOVED/);
    await federation.panopticon("site", "readmit", three.name);
    three.startAgent();
    await until("it has everything again", 90, async () => (await countAt(three)) === 80, [three]);
    expect((await sitesOf(hub.kube)).find(({ name }) => name === three.name)?.seat).toBe(4);
  });

  it("is orphaned: its copies stay and are nobody's", async () => {
    await federation.panopticon("site", "remove", three.name, "--orphan");
    await ended(three);
    expect(await countAt(three)).toBe(0);
    const { items } = await three.kube.list({ resource: CONFIG_MAPS, namespace: SPACE });
    expect(items.filter(({ metadata }) => metadata?.name?.startsWith("map-"))).toHaveLength(80);
    const namespace = await three.kube.get(NAMESPACE);
    expect(namespace.metadata?.labels?.[MANAGED]).toBeUndefined();
  });

  it("is dead: it leaves by the hub's word alone, and makes its farewell should it return", async () => {
    await two.killAgent();
    await two.plane.apiServer.kill();
    expect(await refusal("site", "remove", two.name, "--orphan", "--wait", "3")).toMatch(
      /FEDERATION_SITE_STAYS/,
    );
    await federation.panopticon("site", "remove", two.name, "--orphan", "--gone");
    expect((await sitesOf(hub.kube)).map(({ name }) => name)).toEqual([hub.name]);
    await hub.kube.delete(federatedRef("map-0"));
    await until(
      "nobody is waited for with the record of a deletion",
      90,
      async () => {
        const { items } = await hub.kube.list({ resource: { ...OURS, plural: "mirrors" } });
        return !items.some((one) => (one as { spec?: { name?: string } }).spec?.name === "map-0");
      },
      [hub],
    );
    await two.plane.apiServer.start();
    two.startAgent();
    await ended(two);
    expect(await countAt(two)).toBe(0);
    const { items } = await two.kube.list({ resource: CONFIG_MAPS, namespace: SPACE });
    expect(items.filter(({ metadata }) => metadata?.name?.startsWith("map-"))).toHaveLength(80);
  });
});
