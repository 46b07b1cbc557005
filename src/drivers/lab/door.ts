/**
 * Into the lab's machines without their keys, as root of the box they run on: what
 * is left where the state folder with those keys was lost.
 */
import { readFile } from "node:fs/promises";
import { worldFailed } from "#base/errors.ts";
import { runProcess } from "#base/process.ts";
import type { CommandResult, RunOptions, Shell } from "#ports/shell.ts";
import { putCommand } from "../ssh/put.ts";
import { machinesWithCgroups, processesOf } from "./cgroups.ts";

/** Names of the machines of a federation's lab that run. */
export async function runningInLab(federation: string): Promise<readonly string[]> {
  const names = await machinesWithCgroups(federation);
  const running = await Promise.all(
    names.map(async (name) => (await processesOf(federation, name)).length > 0),
  );
  return names.filter((_name, index) => running[index]).toSorted();
}

/** LAB_MACHINE_OFF (exit 3) for a machine that does not run. Files can't be the input of a command. */
export function openLabDoor(federation: string): Shell {
  const enter = async (
    machine: string,
    argv: readonly string[],
    input?: string | Uint8Array,
  ): Promise<CommandResult> => {
    const init = await initOf(federation, machine);
    if (init === undefined) {
      throw worldFailed("LAB_MACHINE_OFF", `${machine} of ${federation} does not run on this box.`);
    }
    const words = ["nsenter", `--target=${init}`, "--all", "--root", "--wd=/", "--", ...argv];
    return runProcess(words, input);
  };
  return {
    run: (machine, argv, { input }: RunOptions = {}) => {
      if (typeof input === "object" && "file" in input) throw new RangeError("the door takes no files");
      return enter(machine, argv, input);
    },
    put: async (machine, files) => {
      const { argv, input } = await putCommand(files);
      const { code, stderr } = await enter(machine, argv, input);
      if (code !== 0) throw worldFailed("LAB_MACHINE_OFF", `${machine} took no files: ${stderr.trim()}`);
    },
    close: async () => undefined,
  };
}

/** The machine's first process: the one that is number 1 in its own namespace. */
async function initOf(federation: string, machine: string): Promise<number | undefined> {
  for (const pid of await processesOf(federation, machine)) {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    const numbers = /^NSpid:\s+(.*)$/m.exec(status)?.[1]?.trim().split(/\s+/) ?? [];
    if (numbers.length === 2 && numbers[1] === "1") return pid;
  }
  return undefined;
}
