/** Three real planes and their agents: what is written at the hub is at every site, and stays. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Kube } from "#ports/kube.ts";
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

describe("a federation of three sites", () => {
  let federation: Federation;
  let hub: Site;
  let two: Site;
  let three: Site;
  const sites = () => [hub, two, three];
  const valueAt = async ({ kube }: { kube: Kube }, name: string) =>
    (await kube.find(mapRef(name)))?.data?.["value"];
  const everywhere = (what: string, seconds: number, holds: (site: Site) => Promise<boolean>) =>
    until(what, seconds, async () => (await Promise.all(sites().map(holds))).every(Boolean), sites());
  const countAt = async ({ kube }: Site, prefix: string) =>
    (await kube.list({ resource: CONFIG_MAPS, namespace: SPACE })).items.filter(({ metadata }) =>
      metadata?.name?.startsWith(prefix),
    ).length;

  beforeEach((context) => skipWithoutPlanes(context, obstacle));
  beforeAll(async () => {
    if (obstacle !== undefined) return;
    federation = await startFederation(3);
    [hub, two, three] = federation.sites as [Site, Site, Site];
  });
  afterAll(() => federation?.remove());

  it("brings a new object to every site, labelled, and says so", async () => {
    await createMap(hub.kube, federatedMap("first", { value: "1" }));
    await everywhere("it is everywhere", 60, async (site) => (await valueAt(site, "first")) === "1");
    const [copy, resource] = await Promise.all([
      two.kube.get(mapRef("first")),
      hub.kube.get(federatedRef("first")),
    ]);
    expect(copy.metadata?.labels).toEqual({ "kubefed.io/managed": "true" });
    expect(resource.kind).toBe("FederatedConfigMap");
    await until(
      "the status names every site",
      20,
      async () => {
        const { status } = (await hub.kube.get(federatedRef("first"))) as {
          status?: { clusters?: { name: string; status?: string }[]; conditions?: { status: string }[] };
        };
        return status?.clusters?.length === 3 && status.conditions?.[0]?.status === "True";
      },
      sites(),
    );
  });

  it("brings an override to its site alone, and takes it away where it is no longer placed", async () => {
    const [, second, third] = sites().map(({ name }) => name);
    const overrides = [{ clusterName: second, clusterOverrides: [{ path: "/data/value", value: "own" }] }];
    await hub.kube.patch(federatedRef("first"), { spec: { overrides } });
    await until("the override is there", 20, async () => (await valueAt(two, "first")) === "own", sites());
    expect(await valueAt(three, "first")).toBe("1");
    const clusters = [{ name: hub.name }, { name: second }];
    await hub.kube.patch(federatedRef("first"), { spec: { placement: { clusters } } });
    await until(
      "it is gone where it is not placed",
      20,
      async () => (await valueAt(three, "first")) === undefined,
      sites(),
    );
    expect(await valueAt(two, "first")).toBe("own");
    expect(third).toBeDefined();
  });

  it("mends at once what is changed or deleted by hand", async () => {
    await two.kube.patch(mapRef("first"), { data: { value: "by hand" } });
    const changed = await until(
      "it is mended",
      10,
      async () => (await valueAt(two, "first")) === "own",
      sites(),
    );
    await two.kube.delete(mapRef("first"));
    const deleted = await until(
      "it is back",
      10,
      async () => (await valueAt(two, "first")) === "own",
      sites(),
    );
    expect(Math.max(changed, deleted)).toBeLessThan(3000);
  });

  it("refuses hands at a member's federated resources and mirrors", async () => {
    await expect(
      two.kube.create(
        {
          resource: { group: "core.kubefed.io", version: "v1beta1", plural: "kubefedclusters" },
          namespace: "kube-federation-system",
        },
        {
          apiVersion: "core.kubefed.io/v1beta1",
          kind: "KubeFedCluster",
          metadata: { name: "stray" },
          spec: { apiEndpoint: "https://x" },
        },
      ),
    ).rejects.toThrow(/crown is at/);
  });

  it("gives a member that was down all that came meanwhile, and holds up nobody else", async () => {
    await createMap(hub.kube, federatedMap("doomed", { value: "1" }));
    await everywhere("it is everywhere", 20, async (site) => (await valueAt(site, "doomed")) === "1");
    await three.plane.apiServer.kill();
    const numbers = Array.from({ length: 200 }, (_, index) => index);
    await Promise.all(
      numbers.map((index) => createMap(hub.kube, federatedMap(`burst-${index}`, { value: "1" }))),
    );
    await hub.kube.delete(federatedRef("doomed"));
    await until(
      "the healthy member has them",
      60,
      async () => (await countAt(two, "burst-")) === 200,
      sites(),
    );
    await until(
      "the deletion is made there",
      20,
      async () => (await valueAt(two, "doomed")) === undefined,
      sites(),
    );
    await three.plane.apiServer.start();
    const took = await until(
      "the returned member has them",
      60,
      async () => (await countAt(three, "burst-")) === 200,
      sites(),
    );
    await until(
      "the deletion is made there too",
      20,
      async () => (await valueAt(three, "doomed")) === undefined,
      sites(),
    );
    expect(took).toBeLessThan(60_000);
  });

  it("goes on at the members when the hub is dead, and takes a crown there without losing what anybody has", async () => {
    await createMap(hub.kube, federatedMap("before", { value: "1" }));
    await everywhere("it is everywhere", 20, async (site) => (await valueAt(site, "before")) === "1");
    await hub.killAgent();
    // Nobody hears of this one: its agent is dead.
    await hub.plane.apiServer.kill();
    await two.kube.delete(mapRef("before"));
    await until(
      "drift is mended without a hub",
      10,
      async () => (await valueAt(two, "before")) === "1",
      sites(),
    );
    await until(
      "the members notice that the hub is lost",
      60,
      async () => {
        const crowns = await Promise.all(
          [two, three].map(({ kube }) =>
            kube.get({
              resource: { group: "federation.panopticon.dev", version: "v1", plural: "crowns" },
              name: "crown",
            }),
          ),
        );
        return crowns.every(
          (crown) => (crown as { status?: { holder?: { heard: boolean } } }).status?.holder?.heard === false,
        );
      },
      [two, three],
    );
    await federation.panopticon("crown", "move", "--to", two.name, "--take", "--context", two.name);
    await createMap(two.kube, federatedMap("after", { value: "2" }));
    await until(
      "the other member follows the new hub",
      30,
      async () => (await valueAt(three, "after")) === "2",
      sites(),
    );
    await hub.plane.apiServer.start();
    const stray = federatedMap("stray", { value: "late" });
    await until("the old hub takes a write", 30, () => createMap(hub.kube, stray).then(() => true));
    hub.startAgent();
    await until(
      "the old hub has what was written since",
      60,
      async () => (await valueAt(hub, "after")) === "2",
      sites(),
    );
    const listed = await federation.panopticon("conflict", "list", "-o", "json", "--context", two.name);
    const { conflicts } = JSON.parse(listed) as {
      conflicts: { metadata: { name: string }; spec: { name: string; operation: string } }[];
    };
    expect(conflicts.map(({ spec }) => `${spec.operation} ${spec.name}`)).toEqual(["Write stray"]);
    await expect(createMap(hub.kube, federatedMap("too-late", { value: "x" }))).rejects.toThrow(
      /crown is at/,
    );
    await federation.panopticon(
      "conflict",
      "apply",
      conflicts[0]?.metadata.name ?? "",
      "--context",
      two.name,
    );
    await everywhere(
      "the stray write is everywhere",
      30,
      async (site) => (await valueAt(site, "stray")) === "late",
    );
    const states = await Promise.all(sites().map(async ({ kube }) => contents(kube)));
    expect(states[1]).toEqual(states[0]);
    expect(states[2]).toEqual(states[0]);
  });

  it("moves the crown back without losing a write that anybody was told is there", async () => {
    const taken: string[] = [];
    const stop = new AbortController();
    const writer = (async () => {
      for (let index = 0; !stop.signal.aborted; index += 1) {
        const name = `moved-${index}`;
        for (const { kube } of [two, hub]) {
          const done = await createMap(kube, federatedMap(name, { value: "1" })).then(
            () => true,
            () => false,
          );
          if (!done) continue;
          taken.push(name);
          break;
        }
        await sleep(50);
      }
    })();
    await sleep(1000);
    const said = await federation.panopticon("crown", "move", "--to", hub.name, "--context", two.name);
    await sleep(1000);
    stop.abort();
    await writer;
    expect(said).toMatch(/Writes paused for \d+\.\d s/);
    expect(taken.length).toBeGreaterThan(5);
    await everywhere(
      "every accepted write is everywhere",
      30,
      async (site) => (await countAt(site, "moved-")) === taken.length,
    );
    const there = (await hub.kube.list({ resource: FEDERATED_MAPS, namespace: SPACE })).items;
    expect(there.filter(({ metadata }) => metadata?.name?.startsWith("moved-"))).toHaveLength(taken.length);
  });
});

/** What a site has of the federation's, without what differs by nature. */
async function contents(kube: Kube): Promise<Readonly<Record<string, unknown>>> {
  const { items } = await kube.list({ resource: CONFIG_MAPS, namespace: SPACE });
  const own = items.filter(({ metadata }) => metadata?.labels?.["kubefed.io/managed"] === "true");
  const shared = own.filter(({ metadata }) => metadata?.name !== "first");
  return Object.fromEntries(shared.map(({ metadata, data }) => [metadata?.name ?? "", data]));
}
