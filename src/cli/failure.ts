/** How a run that did not end well is told: always what to do about it, never a stack trace. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CommanderError } from "commander";
import { stateHome } from "#app/folders.ts";
import { formatProblem, PanopticonError } from "#base/errors.ts";
import { stableJson } from "#base/hash.ts";
import { colour, print, say } from "./print.ts";

/** Tells the person and gives the exit code: 1 found wanting, 2 wrong use, 3 the world failed. */
export function reportFailure(error: unknown, wantsJson: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has printed it
  if (error instanceof PanopticonError) {
    if (wantsJson) print(stableJson({ problems: error.problems }, 2));
    else for (const problem of error.problems) say(coloured(formatProblem(problem), problem.code));
    return error.exit;
  }
  return reportBug(error);
}

function coloured(text: string, code: string): string {
  return text.replace(code, () => colour("red", code, process.stderr));
}

/** A mistake of ours: the details go to a file that can be sent to us. */
function reportBug(error: unknown): number {
  const message = error instanceof Error ? error.message : String(error);
  say(`CLI_BUG ${message.split("\n")[0]} (a mistake in Panopticon; ${keepDetails(error)})`);
  return 3;
}

function keepDetails(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const lines = [
    new Date().toISOString(),
    `node ${process.version} ${process.platform} ${process.arch}`,
    stack,
  ];
  const file = join(stateHome(), "bug.log");
  try {
    mkdirSync(stateHome(), { recursive: true, mode: 0o700 });
    writeFileSync(file, `${lines.join("\n")}\n\n`, { flag: "a", mode: 0o600 });
    return `details: ${file}`;
  } catch (cause) {
    return `details could not be written to ${file}: ${(cause as Error).message}`;
  }
}
