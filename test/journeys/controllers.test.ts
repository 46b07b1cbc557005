/** The controller runtime over a real API server: a small controller keeps a copy of each ConfigMap true. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "#control/runtime/clock.ts";
import type { Controller, Input } from "#control/runtime/controller.ts";
import { elect } from "#control/runtime/leader.ts";
import { type Running, startControllers } from "#control/runtime/run.ts";
import type { Kube, KubeObject, Resource } from "#ports/kube.ts";
import { type Plane, startPlane } from "../kube/plane.ts";
import { planeObstacle, skipWithoutPlanes } from "../kube/programs.ts";

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

const CONFIG_MAPS: Resource<ConfigMap> = { group: "", version: "v1", plural: "configmaps" };
const FROM = { cluster: "site", resource: CONFIG_MAPS, namespace: "default" };
const TIMES = { leaseSeconds: 6, deadlineSeconds: 4, renewSeconds: 1 };
const obstacle = await planeObstacle();

/** Copies `wanted-X` to `copy-X`; what is called `wanted-bad…` always fails. */
function copier(log: string[] = []): Controller {
  const input: Input<ConfigMap> = {
    ...FROM,
    *work({ object }) {
      const { name = "" } = object.metadata ?? {};
      const key = name.replace(/^(wanted|copy)-/, "");
      if (key !== name) yield { group: key.startsWith("bad") ? "bad" : "good", key };
    },
  };
  return {
    name: "copier",
    inputs: [input],
    outputs: [{ cluster: "site", group: "", plural: "configmaps", part: "copies" }],
    async reconcile({ key }, context, signal) {
      log.push(key);
      if (key.startsWith("bad")) throw new Error(`${key} always fails`);
      const cache = context.cache(input);
      const wanted = cache.get(`default/wanted-${key}`);
      const copy = cache.get(`default/copy-${key}`);
      const ref = { resource: CONFIG_MAPS, namespace: "default", name: `copy-${key}` };
      const kube = context.kube("site");
      if (!wanted) await kube.delete(ref, { signal });
      else if (JSON.stringify(copy?.data) !== JSON.stringify(wanted.data)) {
        const metadata = { name: ref.name };
        await kube.apply(
          ref,
          { apiVersion: "v1", kind: "ConfigMap", metadata, data: wanted.data ?? {} },
          { signal },
        );
      }
    },
  };
}

describe("controllers", () => {
  let plane: Plane;
  let kube: Kube;

  beforeEach((context) => skipWithoutPlanes(context, obstacle));
  beforeAll(async () => {
    if (obstacle !== undefined) return;
    plane = await startPlane({ controllers: false });
    kube = plane.open();
    const metadata = { name: "default" };
    await kube
      .create({ resource: { group: "", version: "v1", plural: "namespaces" } }, { metadata })
      .catch(() => undefined);
  });
  afterAll(() => plane?.remove());

  const start = (signal: AbortSignal, log?: string[]): Running =>
    startControllers([copier(log)], {
      clusters: { site: plane.open() },
      clock: systemClock,
      random: Math.random,
      emit: () => undefined,
      signal,
    });
  const put = (name: string, value: string) => {
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { value } };
    return kube.apply({ resource: CONFIG_MAPS, namespace: "default", name }, object);
  };
  const valueOf = async (name: string) =>
    (await kube.find({ resource: CONFIG_MAPS, namespace: "default", name }))?.data?.["value"];
  const until = async (what: string, seconds: number, holds: () => boolean | Promise<boolean>) => {
    const end = performance.now() + seconds * 1000;
    while (!(await holds())) {
      if (performance.now() > end) expect.fail(`waited ${seconds} s in vain until ${what}`);
      await sleep(20);
    }
  };

  it("bring about what is wanted, mend what drifts, take away what is not wanted, and are not held up by what fails", async () => {
    const stop = new AbortController();
    for (let count = 0; count < 40; count += 1) await put(`wanted-bad-${count}`, "1");
    const running = start(stop.signal);
    const work = running.work(stop.signal);
    await running.synced;
    await put("wanted-one", "1");
    await until("the copy is there", 10, async () => (await valueOf("copy-one")) === "1");
    await put("copy-one", "changed by hand");
    await until("the drift is mended", 10, async () => (await valueOf("copy-one")) === "1");
    await kube.delete({ resource: CONFIG_MAPS, namespace: "default", name: "wanted-one" });
    await until("the copy is gone", 10, async () => (await valueOf("copy-one")) === undefined);
    await plane.apiServer.kill();
    await plane.apiServer.start();
    await put("wanted-two", "2");
    await until("work goes on after a restart", 20, async () => (await valueOf("copy-two")) === "2");
    const text = running.metrics();
    expect(text).toContain('panopticon_work_total{controller="copier",group="bad",result="failed"}');
    expect(text).toMatch(/panopticon_queue_keys\{controller="copier",group="bad",state="failing"\} 40/);
    expect(text).toMatch(
      /panopticon_kube_watches_ended_total\{cluster="site",resource="configmaps",ended="\w+"\} \d/,
    );
    expect(running.health()).toEqual({ healthy: true, reasons: [] });
    stop.abort();
    await work;
  });

  it("work one at a time, and who leaves in order is followed at once", async () => {
    const ends = ["a", "b"].map(() => new AbortController());
    const leading: string[] = [];
    const log: string[] = [];
    const candidates = ends.map((end, index) => {
      const identity = `candidate-${index}`;
      const running = start(end.signal, log);
      const place = { namespace: "default", name: "copier", identity, times: TIMES };
      const tools = { kube: plane.open(), clock: systemClock, random: Math.random, signal: end.signal };
      return elect({ ...place, ...tools }, async (signal) => {
        leading.push(identity);
        await running.work(signal);
      });
    });
    await until("one leads", 10, () => leading.length === 1);
    await put("wanted-three", "3");
    await until("the copy is there", 10, async () => (await valueOf("copy-three")) === "3");
    const first = Number(leading[0]?.at(-1));
    const left = performance.now();
    ends[first]?.abort();
    await candidates[first];
    await until("the other leads", TIMES.leaseSeconds, () => leading.length === 2);
    expect(performance.now() - left).toBeLessThan(3000);
    await put("wanted-four", "4");
    await until("the other works", 10, async () => (await valueOf("copy-four")) === "4");
    ends[1 - first]?.abort();
    await Promise.all(candidates);
    const leases = { group: "coordination.k8s.io", version: "v1", plural: "leases" };
    const lease = await kube.get({ resource: leases, namespace: "default", name: "copier" });
    expect(lease).toMatchObject({ spec: { holderIdentity: "", leaseTransitions: 2 } });
  });
});
