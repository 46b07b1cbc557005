/**
 * A run that is killed in the middle: run as a program, it starts a machine by a
 * shell and driver of its own; `startAndDie` runs that program and kills it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { MachinePlan } from "#plan/plan.ts";
import { driverOver, type XenGround } from "./ground.ts";
import type { Reach } from "./shells.ts";

interface Job {
  readonly reach: Reach;
  readonly machine: MachinePlan;
}

/** SIGKILL that many seconds into the start, to the program and to the `ssh` it has started, like a power cut of the operator's box. */
export async function startAndDie(ground: XenGround, machine: MachinePlan, seconds: number): Promise<void> {
  const job: Job = { reach: ground.reach, machine };
  const child = spawn(process.execPath, [import.meta.filename], {
    detached: true,
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(JSON.stringify(job));
  const ended = once(child, "exit");
  await once(child.stdout, "data");
  await sleep(seconds * 1000);
  if (child.exitCode !== null) throw new Error("the run ended before it could be killed");
  if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  await ended;
}

async function main(): Promise<void> {
  let text = "";
  for await (const chunk of process.stdin) text += String(chunk);
  const { reach, machine } = JSON.parse(text) as Job;
  const { xen, site, seedOf } = await driverOver(reach);
  await new Promise((resolve) => process.stdout.write("begins\n", resolve)); // oxlint-disable-line no-restricted-properties
  await xen.start(site, machine, seedOf(machine));
}

if (process.argv[1] === import.meta.filename) await main();
