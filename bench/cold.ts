/** From nothing at all: every component brought or built, then two sites. Takes a quarter of an hour and some gigabytes. */
import { mkdtempSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { runProcess } from "#base/process.ts";
import type { Figure } from "./figure.ts";

const LAUNCHER = join(import.meta.dirname, "../panopticon");

/** With caches of its own, empty at first and removed at the end; the host's packages and Node are there already. */
export async function coldBench(say: (line: string) => void): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(homedir(), "panopticon-cold-"));
  const own = (name: string) => `${name}=${join(folder, name)}`;
  const panopticon = (...argv: readonly string[]) =>
    runProcess(["env", own("XDG_CACHE_HOME"), own("XDG_STATE_HOME"), own("GOMODCACHE"), LAUNCHER, ...argv]);
  try {
    say("two sites, nothing cached …");
    const started = performance.now();
    const { code, stderr } = await panopticon("lab", "up", "--yes");
    const value = (performance.now() - started) / 60_000;
    if (code !== 0) throw new Error(`the cold start failed: ${stderr.slice(-2000)}`);
    return [{ figure: "two sites up with nothing cached", value, unit: "min", goal: "≤ 15" }];
  } finally {
    await panopticon("lab", "down");
    rmSync(folder, { recursive: true, force: true });
  }
}
