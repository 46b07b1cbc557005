/** How quickly a federation of three bare planes does its work; knowledge of kubefed's figures is beside each. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  CONFIG_MAPS,
  createMap,
  federatedMap,
  mapRef,
  type Site,
  SPACE,
  startFederation,
  until,
} from "../test/journeys/federation.ts";
import type { Figure } from "./figure.ts";

const SINGLES = 40;
const BURST = 500;

/** Three sites, of which the first is the hub; its own copy counts as a member's too, but is not waited for. */
export async function federationBench(): Promise<readonly Figure[]> {
  const federation = await startFederation(3);
  try {
    const [hub, ...members] = federation.sites;
    if (!hub) return [];
    await createMap(hub.kube, federatedMap("warm", { value: "1" }));
    await until("the first is there", 90, () => everywhere(members, "warm"), federation.sites);
    const seen = await singles(hub, members);
    const drift = await drifts(members[0] ?? hub);
    const before = await writesOf(hub);
    const burst = await bursts(hub, members);
    await sleep(3000);
    const writes = ((await writesOf(hub)) - before) / BURST;
    return [
      figure("create → seen in both members, p50", at(seen, 0.5), "ms", "20 (kubefed 49)"),
      figure("create → seen in both members, p99", at(seen, 0.99), "ms", "100 (kubefed 144)"),
      figure("a copy changed by hand is restored, p50", at(drift, 0.5), "ms", "10 (kubefed 10000)"),
      figure("a copy changed by hand is restored, p99", at(drift, 0.99), "ms", "100"),
      figure(`burst of ${BURST} creates`, BURST / burst, "/s", "200 (kubefed 20)"),
      figure("hub writes per created object", writes, "", "3 (kubefed 7)"),
    ];
  } finally {
    await federation.remove();
  }
}

function figure(name: string, value: number, unit: string, goal: string): Figure {
  return { figure: name, value, unit, goal };
}

async function everywhere(members: readonly Site[], name: string): Promise<boolean> {
  const copies = await Promise.all(members.map(({ kube }) => kube.find(mapRef(name))));
  return copies.every(Boolean);
}

/** Of objects created one by one, milliseconds until watches at all members have told of them. */
async function singles(hub: Site, members: readonly Site[]): Promise<readonly number[]> {
  const told = new Map<string, number>();
  const end = new AbortController();
  const follows = members.map(({ kube }) =>
    kube.listAndWatch(
      { resource: CONFIG_MAPS, namespace: SPACE },
      {
        replace: () => undefined,
        change: (_type, { metadata }) =>
          void told.set(metadata?.name ?? "", (told.get(metadata?.name ?? "") ?? 0) + 1),
      },
      { signal: end.signal },
    ),
  );
  await sleep(1000);
  const took: number[] = [];
  for (let index = 0; index < SINGLES; index += 1) {
    const name = `single-${index}`;
    const began = performance.now();
    await createMap(hub.kube, federatedMap(name, { value: "1" }));
    while ((told.get(name) ?? 0) < members.length && performance.now() - began < 10_000) await sleep(1);
    took.push(performance.now() - began);
    await sleep(300);
  }
  end.abort();
  await Promise.all(follows);
  return took;
}

async function drifts({ kube }: Site): Promise<readonly number[]> {
  const took: number[] = [];
  for (let index = 0; index < SINGLES; index += 1) {
    const ref = mapRef(`single-${index}`);
    await kube.patch(ref, { data: { value: "by hand" } });
    const began = performance.now();
    while ((await kube.get(ref)).data?.["value"] !== "1" && performance.now() - began < 10_000)
      await sleep(1);
    took.push(performance.now() - began);
  }
  return took;
}

/** Seconds from the first create until every member has all. */
async function bursts(hub: Site, members: readonly Site[]): Promise<number> {
  const began = performance.now();
  const numbers = Array.from({ length: BURST }, (_, index) => index);
  await Promise.all(
    numbers.map((index) => createMap(hub.kube, federatedMap(`burst-${index}`, { value: "1" }))),
  );
  const counts = async (): Promise<boolean> => {
    await sleep(200);
    const lists = await Promise.all(
      members.map(({ kube }) => kube.list({ resource: CONFIG_MAPS, namespace: SPACE })),
    );
    return lists.every(
      ({ items }) => items.filter(({ metadata }) => metadata?.name?.startsWith("burst-")).length === BURST,
    );
  };
  await until("the burst is everywhere", 240, counts, members);
  return (performance.now() - began) / 1000;
}

/** etcd counts every write as a revision. */
async function writesOf({ kube }: Site): Promise<number> {
  const { text } = await kube.raw("/api/v1/namespaces?limit=1");
  return Number((JSON.parse(text) as { metadata: { resourceVersion: string } }).metadata.resourceVersion);
}

function at(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
