/** The end of what a federation keeps of the deleted, and of sites that leave it. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { KubeObject, Resource } from "#ports/kube.ts";
import { planeObstacle, skipWithoutPlanes } from "../kube/programs.ts";
import {
  createMap,
  type Federation,
  federatedMap,
  federatedRef,
  mapRef,
  type Site,
  startFederation,
  until,
} from "./federation.ts";

const obstacle = await planeObstacle();
const MIRRORS: Resource<KubeObject & { readonly spec: { readonly name: string } }> = {
  group: "federation.panopticon.dev",
  version: "v1",
  plural: "mirrors",
};

describe("what was deleted", () => {
  let federation: Federation;
  let hub: Site;
  let two: Site;
  let three: Site;
  const sites = () => [hub, two, three];
  const mirrorsOf = async ({ kube }: Site, name: string) =>
    (await kube.list({ resource: MIRRORS })).items.filter(({ spec }) => spec.name === name).length;
  const copiesOf = async (name: string) =>
    Promise.all(sites().map(async ({ kube }) => (await kube.find(mapRef(name))) !== undefined));

  beforeEach((context) => skipWithoutPlanes(context, obstacle));
  beforeAll(async () => {
    if (obstacle !== undefined) return;
    federation = await startFederation(3);
    [hub, two, three] = federation.sites as [Site, Site, Site];
  });
  afterAll(() => federation?.remove());

  it("leaves no record once every site has made the deletion", async () => {
    for (const name of ["one", "two"]) await createMap(hub.kube, federatedMap(name, { value: "1" }));
    await until("they are everywhere", 60, async () => (await copiesOf("two")).every(Boolean), sites());
    await hub.kube.delete(federatedRef("one"));
    await until("its copies are gone", 60, async () => !(await copiesOf("one")).some(Boolean), sites());
    await until(
      "no site has a record of it",
      90,
      async () => (await Promise.all(sites().map((site) => mirrorsOf(site, "one")))).every((n) => n === 0),
      sites(),
    );
    expect(await copiesOf("two")).toEqual([true, true, true]);
    expect(await mirrorsOf(two, "two")).toBe(1);
  });

  it("stays on record until a site that is away has made the deletion, and is gone there then", async () => {
    await createMap(hub.kube, federatedMap("late", { value: "1" }));
    await until("it is everywhere", 60, async () => (await copiesOf("late")).every(Boolean), sites());
    await three.killAgent();
    await hub.kube.delete(federatedRef("late"));
    await until("it is gone at the others", 60, async () => {
      const [first, second] = await copiesOf("late");
      return !first && !second;
    });
    await sleep(20_000);
    expect(await mirrorsOf(hub, "late")).toBe(1);
    expect(await copiesOf("late")).toEqual([false, false, true]);
    await hub.killAgent();
    hub.startAgent();
    three.startAgent();
    await until("it is gone there", 60, async () => !(await copiesOf("late")).some(Boolean), sites());
    await until(
      "no site has a record of it",
      120,
      async () => (await Promise.all(sites().map((site) => mirrorsOf(site, "late")))).every((n) => n === 0),
      sites(),
    );
  });

  it("stays gone, and what is made anew under its name stays there", async () => {
    await createMap(hub.kube, federatedMap("late", { value: "2" }));
    await until("it is everywhere", 60, async () => (await copiesOf("late")).every(Boolean), sites());
    await hub.kube.delete(federatedRef("late"));
    await createMap(hub.kube, federatedMap("late", { value: "3" }));
    const has = async (site: Site) => (await site.kube.find(mapRef("late")))?.data?.["value"] === "3";
    await until("it is anew", 60, async () => (await Promise.all(sites().map(has))).every(Boolean), sites());
    await sleep(15_000);
    expect(await Promise.all(sites().map(has))).toEqual([true, true, true]);
    expect(await mirrorsOf(three, "late")).toBe(1);
    expect(await mirrorsOf(three, "one")).toBe(0);
  });
});
