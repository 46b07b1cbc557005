/**
 * The hub under more and more sites: what it costs and how long a change takes
 * to the last of them. The hub (etcd, API server, its agent) is real; the sites
 * are simulated, see `process.ts`.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Site, startFederation } from "../../test/journeys/federation.ts";
import { cpuMs, idleWrites, revisionOf, settled } from "../federation/costs.ts";
import { namesOf } from "../federation/objects.ts";
import type { SizeName } from "../federation/size.ts";
import type { Figure } from "../figure.ts";
import { type Crowd, openCrowd } from "./crowd.ts";

/** How many sites, one after the other, and what is asked of each number. */
interface Load {
  readonly curve: readonly number[];
  readonly singles: number;
  readonly burst: number;
  readonly idleSeconds: number;
}

const USUAL: Load = { curve: [10, 50, 100, 200], singles: 20, burst: 100, idleSeconds: 20 };
/** For a box that has other things to do. */
const QUICK: Load = { curve: [10, 50, 200], singles: 10, burst: 50, idleSeconds: 10 };
const APART_MS = 500;

/**
 * The agents with their controllers, watches and queues are real, their sites'
 * APIs are not, and all share the processors with the hub: latencies are those of
 * a crowded box, what the hub itself costs is not.
 */
export async function sitesBench(say: (line: string) => void, size: SizeName): Promise<readonly Figure[]> {
  const load = size === "quick" ? QUICK : USUAL;
  say(
    "sites are simulated: real agents, fifty to a process, over APIs in memory; without exchange of credentials",
  );
  const federation = await startFederation(1);
  const [hub] = federation.sites as [Site];
  const crowd = openCrowd(hub);
  const figures: Figure[] = [];
  try {
    for (const count of load.curve) {
      say(`${count} simulated sites`);
      await crowd.growTo(count);
      const keep: Keep = (figure, value, unit) =>
        void figures.push({ figure: `${count} sites: ${figure}`, value, unit, goal: "" });
      const writes = await idle(hub, crowd, { count, seconds: load.idleSeconds }, keep);
      await singles(crowd, count, load.singles, keep);
      await burst(hub, crowd, { count, objects: load.burst, writes }, keep);
    }
    return figures;
  } finally {
    crowd.end();
    await federation.remove();
  }
}

type Keep = (figure: string, value: number, unit: string) => void;

function spentBy(hub: Site, crowd: Crowd) {
  const { plane } = hub;
  return {
    server: cpuMs([plane.apiServer.pid]),
    store: cpuMs([plane.etcd.pid]),
    agent: cpuMs([hub.agentProcess()]),
    crowd: crowd.cpu(),
    at: performance.now(),
  };
}

async function idle(
  hub: Site,
  crowd: Crowd,
  { count, seconds }: { readonly count: number; readonly seconds: number },
  keep: Keep,
): Promise<number> {
  await settled(hub.kube, count);
  const before = spentBy(hub, crowd);
  const writes = await idleWrites(hub.kube, seconds);
  const after = spentBy(hub, crowd);
  const share = (part: "server" | "store" | "agent" | "crowd") =>
    ((after[part] - before[part]) * 100) / (after.at - before.at);
  keep("the hub's API server, idle, of one processor", share("server"), "%");
  keep("the hub's etcd, idle", share("store"), "%");
  keep("the hub's agent, idle", share("agent"), "%");
  keep("all simulated sites together, idle", share("crowd"), "%");
  keep("writes to the hub's etcd, idle", writes, "/s");
  return writes;
}

async function singles(crowd: Crowd, count: number, objects: number, keep: Keep): Promise<void> {
  const each: number[] = [];
  const last: number[] = [];
  for (const name of namesOf(`single-${count}`, objects)) {
    const took = await crowd.send(name);
    each.push(...took);
    last.push(Math.max(...took));
    await sleep(APART_MS);
  }
  keep("one object → a site, p50", middleOf(each), "ms");
  keep("one object → the last site, p50", middleOf(last), "ms");
  keep("one object → the last site, worst", Math.max(...last), "ms");
}

async function burst(
  hub: Site,
  crowd: Crowd,
  { count, objects, writes }: { readonly count: number; readonly objects: number; readonly writes: number },
  keep: Keep,
): Promise<void> {
  await settled(hub.kube, writes);
  const before = { ...spentBy(hub, crowd), revision: await revisionOf(hub.kube) };
  await Promise.all(namesOf(`burst-${count}`, objects).map((name) => crowd.send(name)));
  const all = performance.now() - before.at;
  await settled(hub.kube, writes);
  const after = { ...spentBy(hub, crowd), revision: await revisionOf(hub.kube) };
  const copies = objects * count;
  const background = (writes * (after.at - before.at)) / 1000;
  keep(`copies of a burst of ${objects} objects`, (copies * 1000) / all, "/s");
  keep("the hub's API server per copy, status told", (after.server - before.server) / copies, "ms");
  keep("the hub's agent per object", (after.agent - before.agent) / objects, "ms");
  keep("the simulated site per copy", (after.crowd - before.crowd) / copies, "ms");
  keep("writes to the hub's etcd per copy", (after.revision - before.revision - background) / copies, "");
}

function middleOf(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
}
