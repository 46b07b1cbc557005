/** A real outside witness as a process, for journeys. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runProcess } from "#base/process.ts";
import { freePorts } from "../kube/ports.ts";
import { until } from "./federation.ts";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");

export interface WitnessProcess {
  readonly url: string;
  /** What `witness create` has written. */
  readonly file: string;
  readonly folder: string;
  /** Resolves when it answers. @param environment more than the test's own */
  start(environment?: NodeJS.ProcessEnv): Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  runs(): boolean;
}

/** Makes a witness below `dir`, and does not start it. @param at of another one's address, whose place it takes */
export async function makeWitness(dir: string, name: string, at?: string): Promise<WitnessProcess> {
  const url = at ?? `https://127.0.0.1:${(await freePorts(1))[0]}`;
  const [file, folder, log] = [`${name}.json`, name, `${name}.log`].map((part) => join(dir, part)) as [
    string,
    string,
    string,
  ];
  const create = ["witness", "create", "--url", url, "--name", "home", "--state", folder, "--out", file];
  const made = await runProcess([process.execPath, MAIN, ...create]);
  if (made.code !== 0) throw new Error(`witness create ended with ${made.code}: ${made.stderr}`);
  let child: ChildProcess | undefined;
  const runs = (): boolean => child?.exitCode === null && child.signalCode === null;
  return {
    url,
    file,
    folder,
    runs,
    async start(environment = {}) {
      writeFileSync(log, "");
      const output = openSync(log, "a");
      const run = ["witness", "run", "--state", folder, "--listen", "127.0.0.1"];
      child = spawn("setpriv", ["--pdeathsig", "KILL", "--", process.execPath, MAIN, ...run], {
        stdio: ["ignore", output, output],
        env: { ...process.env, ...environment },
      });
      closeSync(output);
      await until("the witness listens", 30, () =>
        Promise.resolve(readFileSync(log, "utf8").includes("listens on")),
      );
    },
    async kill() {
      const running = child;
      if (!running || !runs()) return;
      const gone = new Promise((resolve) => running.once("exit", resolve));
      running.kill("SIGKILL");
      await gone;
    },
  };
}
