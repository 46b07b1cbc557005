/** One program of a plane, which a test may kill, freeze and start again. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, closeSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** The program ends with the test that started it, however that one ends (util-linux's setpriv). */
const DIES_WITH_US = ["setpriv", "--pdeathsig", "KILL", "--"] as const;
const PAUSE_MS = 50;

export interface PlaneProcess {
  readonly name: string;
  /** Undefined while it does not run. */
  readonly pid: number | undefined;
  /** Everything it has said so far is in this file. */
  readonly log: string;
  /** Starts it where it does not run, and waits until it is ready. */
  start(): Promise<void>;
  /** SIGKILL; resolves when it is gone. Nothing happens where it does not run. */
  kill(): Promise<void>;
  /** SIGSTOP: sockets stay open, nothing answers. */
  freeze(): void;
  /** SIGCONT. */
  thaw(): void;
}

export interface ProcessSettings {
  readonly name: string;
  readonly argv: readonly string[];
  readonly log: string;
  /** The folder it runs in; ours where none is given. */
  readonly cwd?: string;
  /** Variables beside ours. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it does its work by now; asked again and again after a start. */
  readonly ready: () => Promise<boolean>;
  /** Seconds until a start counts as failed. */
  readonly seconds: number;
}

export function planeProcess(settings: ProcessSettings): PlaneProcess {
  const { name, log, ready, seconds } = settings;
  let child: ChildProcess | undefined;
  const runs = (): boolean => child !== undefined && child.exitCode === null && child.signalCode === null;
  const signal = (which: NodeJS.Signals): void => {
    if (!runs()) throw new Error(`${name} does not run`);
    child?.kill(which);
  };
  const kill = async (): Promise<void> => {
    if (!child || !runs()) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  };
  return {
    name,
    log,
    get pid() {
      return runs() ? child?.pid : undefined;
    },
    async start() {
      if (!runs()) child = launch(settings);
      const end = performance.now() + seconds * 1000;
      while (!(await ready())) {
        if (runs() && performance.now() < end) await sleep(PAUSE_MS);
        else {
          await kill();
          throw new Error(`${name} did not become ready:\n${readFileSync(log, "utf8").slice(-3000)}`);
        }
      }
    },
    kill,
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
  };
}

function launch({ argv, log, cwd, env }: ProcessSettings): ChildProcess {
  const output = openSync(log, "a");
  try {
    const [program, ...options] = DIES_WITH_US;
    const child = spawn(program, [...options, ...argv], {
      stdio: ["ignore", output, output],
      ...(cwd !== undefined && { cwd }),
      ...(env && { env: { ...process.env, ...env } }),
    });
    child.on("error", () => undefined); // seen as not running
    return child;
  } finally {
    closeSync(output);
  }
}
