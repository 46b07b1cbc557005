/** Simulated sites in processes of their own, and how long an object takes to all of them. */
import { type ChildProcess, fork } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AGENTS_GROUP } from "#control/federation/join/identity.ts";
import type { Kube, KubeObject } from "#ports/kube.ts";
import type { Site } from "../../test/journeys/federation.ts";
import { cpuMs } from "../federation/costs.ts";
import { FEDERATED_MAPS, SPACE } from "../federation/objects.ts";
import type { Arrival, SimulatedSite } from "./process.ts";

const PER_PROCESS = 50;
const PATIENCE_MS = 10 * 60_000;

export interface Crowd {
  growTo(count: number): Promise<void>;
  /** Makes an object and tells when each site had it, in milliseconds from the request. */
  send(name: string): Promise<readonly number[]>;
  /** Processor milliseconds of the simulation. */
  cpu(): number;
  end(): void;
}

export function openCrowd({ plane, kube }: Site): Crowd {
  const processes: ChildProcess[] = [];
  const waiting = new Map<string, { at: number[]; left: number; done: (at: readonly number[]) => void }>();
  const arrive = ({ name, at }: Arrival): void => {
    const one = waiting.get(name);
    if (!one) return;
    one.at.push(...at);
    one.left -= 1;
    if (one.left === 0) one.done(one.at);
  };
  const start = async (first: number, count: number): Promise<void> => {
    const names = Array.from({ length: count }, (_, index) => `simulated-${first + index}`);
    const sites: SimulatedSite[] = await Promise.all(
      names.map(async (name) => ({
        name,
        hub: await plane.user(`panopticon:agent:${name}`, [AGENTS_GROUP]),
      })),
    );
    const log = openSync(join(plane.dir, `sites-${first}.log`), "a");
    const child = fork(join(import.meta.dirname, "process.ts"), { stdio: ["ignore", log, log, "ipc"] });
    closeSync(log);
    processes.push(child);
    child.on("message", (message) => arrive(message as Arrival));
    child.send(sites);
  };
  const send: Crowd["send"] = async (name) => {
    const done = Promise.withResolvers<readonly number[]>();
    waiting.set(name, { at: [], left: processes.length, done: done.resolve });
    const began = performance.timeOrigin + performance.now();
    await create(kube, name);
    const late = sleep(PATIENCE_MS, undefined, { ref: false }).then((): readonly number[] => {
      throw new Error(`${name} did not reach all sites within ${PATIENCE_MS / 1000} s`);
    });
    const at = await Promise.race([done.promise, late]);
    waiting.delete(name);
    return at.map((moment) => moment - began);
  };
  let size = 0;
  return {
    send,
    async growTo(count) {
      while (size < count) {
        const more = Math.min(PER_PROCESS, count - size);
        await start(size, more);
        size += more;
      }
      await send(`grown-to-${count}`);
    },
    cpu: () => cpuMs(processes.map(({ pid }) => pid)),
    end: () => {
      for (const child of processes) child.kill("SIGKILL");
    },
  };
}

async function create(kube: Kube, name: string): Promise<void> {
  const head = { apiVersion: "types.kubefed.io/v1beta1", kind: "FederatedConfigMap" };
  const spec = { template: { data: { value: "1" } }, placement: { clusterSelector: {} } };
  const object = { ...head, metadata: { name, namespace: SPACE }, spec } as KubeObject;
  await kube.create({ resource: FEDERATED_MAPS, namespace: SPACE }, object);
}
