/** One command over a shared connection. */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import type { CommandResult, FileInput, RunOptions } from "#ports/shell.ts";

export interface SessionResult extends CommandResult {
  /** No session could be opened, so the command was never started. */
  readonly refused: boolean;
  readonly timedOut: boolean;
}

/**
 * Where ssh cannot join the shared connection it would make one of its own,
 * through this instead of the network: so the mark appears exactly where no
 * session was opened.
 */
const REFUSED = "panopticon: no session was opened";
const NO_CONNECTION = ["-o", `ProxyCommand=sh -c 'echo "${REFUSED}" >&2'`];

/** Runs `command` (a shell's line) at the end of the connection behind `socket`; ssh's own failures give code 255. */
export function runSession(
  socket: string,
  args: readonly string[],
  address: string,
  command: string,
  options: RunOptions,
): Promise<SessionResult> {
  const { input } = options;
  const file = isFile(input) ? openSync(input.file, "r") : undefined;
  const child = spawn("ssh", ["-S", socket, ...NO_CONNECTION, ...args, "--", address, command], {
    stdio: [file ?? (input === undefined ? "ignore" : "pipe"), "pipe", "pipe"],
    env: { ...process.env, SHELL: "/bin/sh" }, // reads ProxyCommand
  });
  if (file !== undefined) closeSync(file); // the child has its own
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  let late: NodeJS.Timeout | undefined;
  let timedOut = false;
  if (options.timeoutSeconds !== undefined) {
    late = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
      // The master has the other ends of these pipes and keeps them for as long as the command runs there.
      for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe?.destroy();
    }, options.timeoutSeconds * 1000);
  }
  child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => err.push(chunk));
  child.stdin?.on("error", () => undefined); // a command may end before it has read its input
  if (!isFile(input)) child.stdin?.end(input);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(late);
      const stderr = Buffer.concat(err).toString();
      const refused = code === 255 && stderr.includes(REFUSED);
      resolve({ code: code ?? 255, stdout: Buffer.concat(out).toString(), stderr, refused, timedOut });
    });
  });
}

function isFile(input: RunOptions["input"]): input is FileInput {
  return typeof input === "object" && "file" in input;
}
