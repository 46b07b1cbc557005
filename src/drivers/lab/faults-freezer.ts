/** Stopping every process of a machine at once, by the kernel's freezer (cgroup-v1/freezer-subsystem, cgroup-v2 `cgroup.freeze`). */
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { worldFailed } from "#base/errors.ts";
import { cgroupVersion } from "./cgroups.ts";

const ROOT = "/sys/fs/cgroup";
/** Freezing waits for processes that are in the kernel; it takes milliseconds. */
const FREEZE_TRIES = 250;
const PAUSE_MS = 20;

/** Freezes a machine and returns once it stands still. */
export async function freezeMachine(federation: string, machine: string): Promise<void> {
  const { control, frozen } = files(federation, machine);
  await writeFile(control, cgroupVersion() === "v2" ? "1" : "FROZEN");
  for (let tries = 0; tries < FREEZE_TRIES; tries++) {
    if (frozen(await readFile(freezerState(federation, machine), "utf8"))) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw worldFailed(
    "LAB_FREEZE_FAILED",
    `${machine} still runs ${(FREEZE_TRIES * PAUSE_MS) / 1000} s after it was frozen`,
  );
}

/** Lets a machine go on; one that is not frozen, or not there, is left as it is. */
export async function thawMachine(federation: string, machine: string): Promise<void> {
  const { control } = files(federation, machine);
  if (existsSync(control)) await writeFile(control, cgroupVersion() === "v2" ? "0" : "THAWED");
}

/** Whether a machine stands still now. */
export async function isFrozen(federation: string, machine: string): Promise<boolean> {
  const text = await readFile(freezerState(federation, machine), "utf8").catch(() => "");
  return files(federation, machine).frozen(text);
}

function freezerState(federation: string, machine: string): string {
  const { folder } = files(federation, machine);
  return join(folder, cgroupVersion() === "v2" ? "cgroup.events" : "freezer.state");
}

function files(federation: string, machine: string) {
  const v2 = cgroupVersion() === "v2";
  const folder = join(ROOT, v2 ? "" : "freezer", "panopticon", federation, machine);
  return {
    folder,
    control: join(folder, v2 ? "cgroup.freeze" : "freezer.state"),
    frozen: (state: string) => (v2 ? /^frozen 1$/m.test(state) : state.trim() === "FROZEN"),
  };
}
