/** Runs the real launcher as a person would, with a state folder of the journey's own. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheDir } from "#app/folders.ts";
import { startIn } from "#components/lock.ts";

const LAUNCHER = join(import.meta.dirname, "../../panopticon");

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const BESIDE_CACHE = join(cacheDir(), "..");
const PREFIX = "panopticon-journey-";

/** Tells whose a state folder is. */
const OWNER = "journey.pid";

/** A state folder beside the cache, so that image stores are linked and not copied; of a journey or a bench. */
export function freshState(): string {
  mkdirSync(BESIDE_CACHE, { recursive: true });
  const state = mkdtempSync(join(BESIDE_CACHE, PREFIX));
  writeFileSync(join(state, OWNER), `${process.pid} ${startOf(process.pid)}`);
  return state;
}

/** State folders of journeys that were killed: their processes are no more. */
export function abandonedStates(): readonly string[] {
  return globSync(join(BESIDE_CACHE, `${PREFIX}*`)).filter((state) => {
    const owner = join(state, OWNER);
    if (!existsSync(owner)) return false;
    const [pid, started] = readFileSync(owner, "utf8").split(" ");
    return startOf(Number(pid)) !== started;
  });
}

/** When a process began, since a number may be another process's by now; undefined if it is no more. */
function startOf(pid: number): string | undefined {
  const file = `/proc/${pid}/stat`;
  return existsSync(file) ? startIn(readFileSync(file, "utf8")) : undefined;
}

/** The journey's own kubeconfig. */
export function kubeconfig(stateHome: string): string {
  return join(stateHome, "kubeconfig");
}

/**
 * Starts `panopticon`; in a process group of its own, so that it can be killed as a whole.
 * @param within words before the command, such as those that enter a network namespace.
 */
export function start(
  stateHome: string,
  argv: readonly string[],
  within: readonly string[] = [],
): ChildProcess {
  const [program = LAUNCHER, ...words] = [...within, LAUNCHER, ...argv];
  return spawn(program, words, {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, XDG_STATE_HOME: stateHome, KUBECONFIG: kubeconfig(stateHome) },
  });
}

/** Runs `panopticon` to its end. */
export function panopticon(stateHome: string, ...argv: readonly string[]): Promise<Ran> {
  return finish(start(stateHome, argv));
}

export function finish(child: ChildProcess): Promise<Ran> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => err.push(chunk));
  return new Promise((resolve) => {
    child.on("close", (code) =>
      resolve({
        code: code ?? 137,
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      }),
    );
  });
}

/** SIGKILL to the launcher, to Node and to every program they started that still belongs to them. */
export function killAll(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null) return;
  process.kill(-child.pid, "SIGKILL");
}
