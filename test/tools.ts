/** The real programs tests check against: found on this machine, or the test is skipped with the reason shown. */
import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { TestContext } from "vitest";

/**
 * The program's path: from the folders of PANOPTICON_TOOLS, from PATH, the system
 * folders or the project's own cache; undefined where there is none.
 */
export function findTool(name: string): string | undefined {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const folders = [
    ...(process.env["PANOPTICON_TOOLS"] ?? "").split(delimiter),
    ...(process.env["PATH"] ?? "").split(delimiter),
    "/usr/local/sbin",
    "/usr/sbin",
    "/sbin",
    join(cache, "panopticon", "bin"),
  ];
  return folders
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** The program's path, or the end of this test: skipped aloud, and a failure where CI is set. */
export function needTool(context: TestContext, name: string): string {
  const path = findTool(name);
  if (path !== undefined) return path;
  const reason = `needs ${name}, which is not on this machine (set PANOPTICON_TOOLS to the folder that has it)`;
  if (process.env["CI"]) throw new Error(reason);
  return context.skip(reason);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
