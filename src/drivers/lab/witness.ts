/**
 * The witness of a federation's names, played on the internet's side of the lab:
 * a process of this checkout with the witness's address. It is found again by
 * where it runs, so that no file has to remember it.
 */
import { spawn } from "node:child_process";
import { open, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { runProcess } from "#base/process.ts";
import { outside } from "./internet.ts";
import type { LabNames } from "./names.ts";
import { ipBatch } from "./netns.ts";

const END_MS = 3000;
const LOOK_MS = 50;

export interface WitnessProcess {
  /** IPv4, of the internet's own. */
  readonly address: string;
  readonly argv: readonly string[];
  readonly logFile: string;
}

/** Whether a process with this command line runs on the internet's side. */
export async function witnessRuns(names: LabNames, { argv }: WitnessProcess): Promise<boolean> {
  const lines = await Promise.all((await processesOutside(names)).map(commandOf));
  return lines.includes(argv.join(" "));
}

/** Starts it; what ran there before is ended. It outlives this process. */
export async function startWitness(names: LabNames, witness: WitnessProcess): Promise<void> {
  await endOutside(names);
  await ipBatch(names.internet, [`address replace ${witness.address}/32 dev lo`, "link set lo up"]);
  const log = await open(witness.logFile, "a", 0o600);
  try {
    const [program = "", ...argv] = outside(names, witness.argv);
    const child = spawn(program, argv, { detached: true, stdio: ["ignore", log.fd, log.fd] });
    await new Promise((resolve, reject) => child.once("spawn", resolve).once("error", reject));
    child.unref();
  } finally {
    await log.close();
  }
}

/** Ends whatever runs on the internet's side. */
export async function endOutside(names: LabNames): Promise<void> {
  // One that ended by itself meanwhile is no failure.
  const signal = async (name: "TERM" | "KILL") => {
    for (const pid of await processesOutside(names)) await runProcess(["kill", "-s", name, pid]);
  };
  await signal("TERM");
  for (let left = END_MS; left > 0 && (await processesOutside(names)).length > 0; left -= LOOK_MS)
    await sleep(LOOK_MS);
  await signal("KILL");
}

/** None where there is no such namespace. */
async function processesOutside(names: LabNames): Promise<readonly string[]> {
  const { code, stdout } = await runProcess(["ip", "netns", "pids", names.internet]);
  return code === 0 ? stdout.split("\n").filter(Boolean) : [];
}

async function commandOf(pid: string): Promise<string> {
  const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return line.split("\0").filter(Boolean).join(" ");
}
