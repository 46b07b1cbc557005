/**
 * Runs the programs that make components: the Go tool, mmdebstrap, containerd.
 * Whatever ends us (even SIGKILL) ends them too, so that a later run never
 * finds somebody still writing into the cache.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { worldFailed } from "#base/errors.ts";

export interface RunOptions {
  readonly cwd?: string;
  /** Replaces the environment where given; otherwise ours is inherited. */
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  /** Every line of standard error as it comes. */
  readonly onLine?: (line: string) => void;
  /** Error code of a failure; default COMPONENT_COMMAND_FAILED. */
  readonly code?: string;
  readonly hint?: string;
}

/** Prefix: the program gets SIGKILL when the process that started it dies (util-linux's setpriv). */
const DIES_WITH_US = ["setpriv", "--pdeathsig", "KILL", "--"] as const;

/**
 * Prefix: process and mount namespaces of their own. The program's whole tree
 * dies with its first process, and nothing it mounts is left on the host.
 */
const OWN_NAMESPACES = [
  "unshare",
  "--mount",
  "--pid",
  "--fork",
  "--kill-child",
  "--mount-proc",
  "--",
] as const;

/** The argument list that runs `argv` so that it and all its children end with us, its mounts too. Needs root. */
export function contained(argv: readonly string[]): readonly string[] {
  return [...DIES_WITH_US, ...OWN_NAMESPACES, ...argv];
}

/** The argument list that runs `argv` so that it ends with us. Needs no privilege. */
export function tied(argv: readonly string[]): readonly string[] {
  return [...DIES_WITH_US, ...argv];
}

/** Runs to the end and gives standard output; anything but exit code 0 is a `worldFailed` error with its last words. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const [program = "", ...rest] = argv;
  const { code = "COMPONENT_COMMAND_FAILED", hint } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, {
      stdio: ["ignore", "pipe", "pipe"],
      cwd: options.cwd,
      env: options.env ?? process.env,
      signal: options.signal,
      killSignal: "SIGKILL",
    });
    const out: Buffer[] = [];
    const lastLines: string[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    createInterface({ input: child.stderr }).on("line", (line) => {
      lastLines.push(line);
      if (lastLines.length > 20) lastLines.shift();
      options.onLine?.(line);
    });
    child.on("error", (error) =>
      reject(
        error.name === "AbortError" ? error : worldFailed(code, `${program}: ${error.message}`, hint, error),
      ),
    );
    child.on("close", (status, killed) => {
      if (status === 0) return resolve(Buffer.concat(out).toString());
      const end = killed ? `was ended by ${killed}` : `ended with ${status}`;
      reject(
        worldFailed(code, `\`${argv.join(" ")}\` ${end}: ${lastLines.join("\n") || "no message"}`, hint),
      );
    });
  });
}
