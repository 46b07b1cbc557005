/** Runs programs by their argument list; no shell reads what is passed. */
import { spawn } from "node:child_process";
import { worldFailed } from "./errors.ts";

export interface ProcessResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs to the end and gives the exit code and what was printed; a program that cannot be started gives code 127. */
export function runProcess(argv: readonly string[], input?: string | Uint8Array): Promise<ProcessResult> {
  const [program = "", ...rest] = argv;
  return new Promise((resolve) => {
    const child = spawn(program, rest, { stdio: ["pipe", "pipe", "pipe"] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.stdin.on("error", () => undefined); // a program may end before it has read its input
    child.on("error", (error) => resolve({ code: 127, stdout: "", stderr: error.message }));
    child.on("close", (code) =>
      resolve({
        code: code ?? 128,
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      }),
    );
    child.stdin.end(input);
  });
}

/** Like `runProcess`, but anything other than exit code 0 is a `worldFailed` error with the program's own words. */
export async function mustRun(
  code: string,
  argv: readonly string[],
  input?: string | Uint8Array,
): Promise<string> {
  const result = await runProcess(argv, input);
  if (result.code === 0) return result.stdout;
  const said = (result.stderr || result.stdout).trim().slice(-2000);
  throw worldFailed(code, `\`${argv.join(" ")}\` ended with ${result.code}: ${said || "no message"}`);
}
