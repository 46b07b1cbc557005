/** Agents and servers killed, frozen and compacted in the middle of work: in the end every site is equal, and nothing too much is gone. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { KubeError, type Kube } from "#ports/kube.ts";
import { planeObstacle, skipWithoutPlanes } from "../kube/programs.ts";
import { sameEverywhere } from "./compare.ts";
import {
  CONFIG_MAPS,
  createMap,
  type Federation,
  federatedMap,
  federatedRef,
  mapRef,
  type Site,
  SPACE,
  startFederation,
} from "./federation.ts";

const obstacle = await planeObstacle();
const [NAMES, KEPT] = [120, 30];
const SETTLE_SECONDS = 120;
const UNKNOWN = Symbol("unknown");

describe("a federation of three sites under faults", () => {
  let federation: Federation;
  let hub: Site;
  let two: Site;
  let three: Site;
  /** What was there before the burst, which leaves some of its own. */
  let before = KEPT;
  let identities: ReadonlyMap<string, string>;
  const sites = () => [hub, two, three];
  const anyone = (): Site => sites()[Math.floor(Math.random() * 3)] as Site;

  /** Equal everywhere, as the hub has accepted it, and what nobody touched never went. */
  const settled = async (accepted: ReadonlyMap<string, Accepted>): Promise<void> => {
    const count = await sameEverywhere(hub, sites(), SETTLE_SECONDS);
    const known = [...accepted.values()].filter((one) => one !== UNKNOWN);
    const unknown = accepted.size - known.length;
    const alive = known.filter((one) => one !== undefined).length;
    expect(count).toBeGreaterThanOrEqual(before + alive);
    expect(count).toBeLessThanOrEqual(before + alive + unknown);
    before = count;
    for (const [name, value] of accepted)
      if (value !== UNKNOWN)
        expect([name, (await two.kube.find(mapRef(name)))?.data?.["value"]]).toEqual([name, value]);
  };

  beforeEach((context) => skipWithoutPlanes(context, obstacle));
  beforeAll(async () => {
    if (obstacle !== undefined) return;
    federation = await startFederation(3);
    [hub, two, three] = federation.sites as [Site, Site, Site];
    for (let index = 0; index < KEPT; index += 1)
      await createMap(hub.kube, federatedMap(`kept-${index}`, { value: "1" }));
    for (const { kube, name } of sites()) await releaseBrake(kube, name);
    await sameEverywhere(hub, sites(), 90);
    for (const { kube } of sites())
      await kube.create(
        { resource: CONFIG_MAPS, namespace: SPACE },
        { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "kept-own" }, data: { whose: "ours" } },
      );
    identities = await identitiesOf(sites());
  });
  afterAll(() => federation?.remove());

  it("agents are killed at random points of a burst", async () => {
    const burst = startBurst(hub.kube);
    for (let kills = 0; kills < 12; kills += 1) {
      const site = anyone();
      await site.killAgent();
      await sleep(Math.random() * 1000);
      site.startAgent();
      await sleep(Math.random() * 4000);
    }
    await settled(await burst.end());
    expect(await identitiesOf(sites())).toEqual(identities);
  });

  it("API servers are killed and started in the middle of a burst", async () => {
    const burst = startBurst(hub.kube);
    for (const site of [hub, three, two, hub]) {
      await site.plane.apiServer.kill();
      await sleep(Math.random() * 2000);
      await site.plane.apiServer.start();
      await sleep(2000);
    }
    await settled(await burst.end());
    expect(await identitiesOf(sites())).toEqual(identities);
  });

  it("a member's and the hub's API server freeze, and an etcd", async () => {
    const burst = startBurst(hub.kube);
    for (const process of [two.plane.apiServer, hub.plane.apiServer, three.plane.etcd]) {
      process.freeze();
      await sleep(6000);
      process.thaw();
      await sleep(1000);
    }
    await settled(await burst.end());
    expect(await identitiesOf(sites())).toEqual(identities);
  });

  it("every etcd forgets its history while an agent is dead and servers restart", async () => {
    await three.killAgent();
    const burst = startBurst(hub.kube);
    await sleep(3000);
    await two.plane.apiServer.kill();
    await sleep(2000);
    for (const { plane } of sites()) await plane.compact();
    await two.plane.apiServer.start();
    await sleep(1000);
    for (const { plane } of sites()) await plane.compact();
    three.startAgent();
    await settled(await burst.end());
    expect(await identitiesOf(sites())).toEqual(identities);
  });
});

/** A burst deletes more than the brake lets go; what it holds back is another journey's. */
async function releaseBrake(kube: Kube, name: string): Promise<void> {
  const resource = { group: "federation.panopticon.dev", version: "v1", plural: "deletebrakes" };
  const spec = { budget: { count: 100_000, percent: 100 } };
  const brake = { apiVersion: "federation.panopticon.dev/v1", kind: "DeleteBrake", metadata: { name }, spec };
  await kube.create({ resource }, brake);
}

/** What the hub has taken last; a symbol where its answer did not arrive. */
type Accepted = string | undefined | typeof UNKNOWN;

/** Creates, changes and deletes, each name by one writer, until it is ended. */
function startBurst(hub: Kube): { end(): Promise<ReadonlyMap<string, Accepted>> } {
  const stop = new AbortController();
  const accepted = new Map<string, Accepted>();
  const prefix = `burst-${Date.now().toString(36)}`;
  const step = async (name: string, value: string): Promise<void> => {
    const before = accepted.get(name);
    const gone = Math.random() < 0.3;
    try {
      if (before === undefined) {
        await createMap(hub, federatedMap(name, { value }));
        accepted.set(name, value);
      } else if (gone) {
        await hub.delete(federatedRef(name));
        accepted.set(name, undefined);
      } else {
        await hub.patch(federatedRef(name), { spec: { template: { data: { value } } } });
        accepted.set(name, value);
      }
    } catch (error) {
      const refused = error instanceof KubeError && error.status >= 400 && error.status < 500;
      if (!refused || error.status === 409) accepted.set(name, UNKNOWN);
      else if (error.status === 404) accepted.set(name, undefined);
    }
  };
  const writer = async (number: number): Promise<void> => {
    for (let index = number; !stop.signal.aborted; index += 4) {
      await step(`${prefix}-${index % NAMES}`, String(index));
      await sleep(25);
    }
  };
  const work = Promise.all([0, 1, 2, 3].map(writer));
  return {
    async end() {
      stop.abort();
      await work;
      return accepted;
    },
  };
}

/** The uids of what nobody touches: a copy that was deleted and made again has another one. */
async function identitiesOf(sites: readonly Site[]): Promise<ReadonlyMap<string, string>> {
  const lists = await Promise.all(
    sites.map(async ({ name, kube }) =>
      (await kube.list({ resource: CONFIG_MAPS, namespace: SPACE })).items.map(
        ({ metadata }) => [`${name} ${metadata?.name}`, metadata?.uid ?? ""] as const,
      ),
    ),
  );
  return new Map(lists.flat().filter(([name]) => name.includes(" kept-")));
}
