/** Runs the real program of each format over rendered text; every path the text names is put in a scratch folder. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "vitest";
import { findTool, needTool } from "../../tools.ts";

export interface Verdict {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a program and gives its exit code and all it said, first what it said on its standard output. */
export function run(argv: readonly string[]): Verdict {
  const [command = "", ...rest] = argv;
  const result = spawnSync(command, rest, { encoding: "utf8", timeout: 60_000 });
  if (result.error) throw result.error;
  return { code: result.status, output: `${result.stdout}${result.stderr}` };
}

/** A folder that lives as long as `work`; root's alone, as Keepalived wants the folders of its scripts. */
export function inScratch<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "panopticon-render-"));
  chmodSync(folder, 0o755);
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes one file below the folder and gives its path. */
export function put(folder: string, path: string, content: string, mode = 0o644): string {
  const full = join(folder, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, content);
  chmodSync(full, mode);
  return full;
}

/** Puts the command into a network of its own, so that the machine the tests run on is not touched. */
export function inNewNetwork(unshare: string, argv: readonly string[]): string[] {
  return [unshare, "--map-root-user", "--net", ...argv];
}

/** Ends the test where it is not run by root: skipped aloud, and a failure where CI is set. */
export function needRoot(context: TestContext, why: string): void {
  if (process.getuid?.() === 0) return;
  const reason = `needs root: ${why}`;
  if (process.env["CI"]) throw new Error(reason);
  context.skip(reason);
}

/** A program that stands beside another one in the components' store, or on the path; else the test ends. */
export function needBeside(context: TestContext, neighbour: string, name: string): string {
  const found = findTool(neighbour);
  const beside = found && join(dirname(realpathSync(found)), name);
  return beside && existsSync(beside) ? beside : needTool(context, name);
}
