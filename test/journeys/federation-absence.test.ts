/** A member that was away, and sites that were emptied by mistake: all is as it should be again, and nothing too much is gone. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Kube, KubeObject, Resource } from "#ports/kube.ts";
import { planeObstacle, skipWithoutPlanes } from "../kube/programs.ts";
import { sameEverywhere } from "./compare.ts";
import {
  CONFIG_MAPS,
  createMap,
  type Federation,
  federatedMap,
  federatedRef,
  type Site,
  startFederation,
  until,
} from "./federation.ts";

const obstacle = await planeObstacle();
const BRAKES: Resource<Brake> = {
  group: "federation.panopticon.dev",
  version: "v1",
  plural: "deletebrakes",
};
const [MANY, GONE] = [2000, 200];
const AT_ONCE = 16;

interface Brake extends KubeObject {
  readonly status?: { readonly held: number; readonly total: number; readonly token?: string };
}

describe("a federation of three sites", () => {
  let federation: Federation;
  let hub: Site;
  let two: Site;
  let three: Site;
  const sites = () => [hub, two, three];

  beforeEach((context) => skipWithoutPlanes(context, obstacle));
  beforeAll(async () => {
    if (obstacle !== undefined) return;
    federation = await startFederation(3);
    [hub, two, three] = federation.sites as [Site, Site, Site];
  });
  afterAll(() => federation?.remove());

  it("brings a member that was away up to date: 2,000 changes and 200 deletions", async () => {
    await each(MANY + GONE, (index) => createMap(hub.kube, federatedMap(nameOf(index), { value: "1" })));
    expect(await sameEverywhere(hub, sites(), 180)).toBe(MANY + GONE);
    await three.plane.apiServer.kill();
    await each(MANY, (index) =>
      hub.kube.patch(federatedRef(nameOf(index)), { spec: { template: { data: { value: "2" } } } }),
    );
    await each(GONE, (index) => hub.kube.delete(federatedRef(nameOf(MANY + index))));
    expect(await sameEverywhere(hub, [hub, two], 180)).toBe(MANY);
    await three.plane.apiServer.start();
    expect(await sameEverywhere(hub, sites(), 180)).toBe(MANY);
  });

  it("holds back more deletions than the budget until they are released, and lets exactly them go", async () => {
    const budget = Math.floor(MANY * 0.2);
    const doomed = budget + 100;
    await three.plane.apiServer.kill();
    await each(doomed, (index) => hub.kube.delete(federatedRef(nameOf(index))));
    await until(
      "what came after the budget was used up is held back",
      60,
      async () =>
        (await Promise.all([hub, two].map(stateOf))).every(
          ({ held, there }) => held > 0 && held + MANY - there === doomed,
        ),
      [hub, two],
    );
    await three.plane.apiServer.start();
    await until(
      "the returning member holds all of it",
      90,
      async () => (await stateOf(three)).held === doomed,
      sites(),
    );
    // A new agent knows no more than is written down.
    await three.killAgent();
    three.startAgent();
    await sleep(15_000);
    const held = await Promise.all(sites().map(stateOf));
    expect(held[2]).toEqual({ held: doomed, there: MANY });
    for (const { there } of held) expect(there).toBeGreaterThanOrEqual(MANY - budget);
    const shown = await federation.panopticon("site", "list");
    expect(shown).toMatch(new RegExp(`${three.name}.*${doomed} deletions`));
    await expect(federation.panopticon("site", "release", three.name, "1001-1")).rejects.toThrow(
      /FEDERATION_TOKEN_OLD/,
    );
    for (const { kube, name } of sites()) {
      const { status } = await kube.get({ resource: BRAKES, name });
      await federation.panopticon("site", "release", name, status?.token ?? "");
    }
    expect(await sameEverywhere(hub, sites(), 120)).toBe(MANY - doomed);
    await until("nothing is held any more", 30, async () =>
      (await Promise.all(sites().map(stateOf))).every(({ held }) => held === 0),
    );
  });

  it("fills a member again that was emptied by mistake, and deletes nothing elsewhere", async () => {
    const count = await sameEverywhere(hub, sites(), 60);
    await empty(three);
    expect(await copies(three.kube)).toBe(0);
    await federation.panopticon("site", "prepare", "--site", three.name, "--context", three.name);
    expect(await sameEverywhere(hub, sites(), 120)).toBe(count);
  });

  it("loses nothing at the members when the hub is emptied by mistake, and goes on from one of them", async () => {
    const count = await sameEverywhere(hub, sites(), 60);
    await empty(hub);
    await federation.panopticon("site", "prepare", "--site", hub.name, "--context", hub.name);
    await until(
      "it says so",
      60,
      () => Promise.resolve(hub.agentLog().includes("its API was emptied")),
      sites(),
    );
    await expect(createMap(hub.kube, federatedMap("anew", { value: "1" }))).rejects.toThrow(
      /404|not open yet|forbidden/,
    );
    for (const { kube } of [two, three]) expect(await copies(kube)).toBe(count);
    await federation.panopticon("crown", "move", "--to", two.name, "--context", two.name);
    await createMap(two.kube, federatedMap("after", { value: "1" }));
    expect(await sameEverywhere(two, sites(), 120)).toBe(count + 1);
  });
});

const nameOf = (index: number): string => `object-${index}`;

/** Some at a time, as a person's tools do it. */
async function each(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

async function copies(kube: Kube): Promise<number> {
  const labelSelector = "kubefed.io/managed=true";
  return (await kube.list({ resource: CONFIG_MAPS }, { labelSelector })).items.length;
}

async function stateOf({ kube, name }: Site): Promise<{ readonly held: number; readonly there: number }> {
  const brake = await kube.find({ resource: BRAKES, name });
  return { held: brake?.status?.held ?? 0, there: await copies(kube) };
}

/** The site's etcd is lost with all that it held. */
async function empty({ plane }: Site): Promise<void> {
  await plane.apiServer.kill();
  await plane.etcd.kill();
  rmSync(join(plane.dir, "etcd"), { recursive: true });
  await plane.etcd.start();
  await plane.apiServer.start();
}
