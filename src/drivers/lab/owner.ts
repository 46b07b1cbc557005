/**
 * Which state folder a lab on this host belongs to. Machines and networks are
 * called by the federation's name, so a second state folder (another user's, or
 * a test's) must not take them for its own, and least of all take them down.
 */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { worldFailed } from "#base/errors.ts";

/** What is true of this host until it reboots: marks of labs, sockets of connections. */
export const RUN_FOLDER = "/run/panopticon";

function markOf(federation: string): string {
  return join(RUN_FOLDER, `${federation}.owner`);
}

/** Refuses where a lab of this name belongs to another state folder. */
export async function refuseForeign(federation: string, labDir: string): Promise<void> {
  const owner = await readFile(markOf(federation), "utf8").catch(() => labDir);
  if (owner === labDir) return;
  throw worldFailed(
    "LAB_OTHER_STATE",
    `a lab called ${federation} is on this box, and its state is in ${owner}, not in ${labDir}.`,
    "Use the state folder it was brought up with (XDG_STATE_HOME), or give this federation another name.",
  );
}

/** Writes down whose it is, before anything of it is made. */
export async function claim(federation: string, labDir: string): Promise<void> {
  await refuseForeign(federation, labDir);
  const mark = markOf(federation);
  await mkdir(dirname(mark), { recursive: true, mode: 0o700 });
  await writeFile(`${mark}.new`, labDir);
  await rename(`${mark}.new`, mark);
}

export async function disclaim(federation: string): Promise<void> {
  await rm(markOf(federation), { force: true });
}
