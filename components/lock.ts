/**
 * A lock between processes, so that two runs don't build the same thing twice.
 * It only saves work: what is built becomes visible by one atomic rename, so two
 * builders at once would still leave a whole result.
 */
import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { hasCode } from "./files.ts";

/** Who holds a lock: a process is known by its id and the time it started, since ids come again. */
interface Owner {
  readonly pid: number;
  readonly started: string;
  readonly nonce: string;
}

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once, when another live process holds the lock. */
  readonly onWait?: (pid: number) => void;
}

/** Runs `work` while holding the lock file at `path`; waits for a live holder, takes over from a dead one. */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const mine: Owner = {
    pid: process.pid,
    started: (await processStart(process.pid)) ?? "",
    nonce: randomUUID(),
  };
  let told = false;
  while (!(await tryTake(path, mine))) {
    options.signal?.throwIfAborted();
    const owner = await readOwner(path);
    if (owner && !(await isAlive(owner))) await removeStale(path, owner);
    else if (owner && !told) {
      told = true;
      options.onWait?.(owner.pid);
    }
    await sleep(100, undefined, { signal: options.signal });
  }
  try {
    return await work();
  } finally {
    if ((await readOwner(path))?.nonce === mine.nonce) await rm(path, { force: true });
  }
}

/** Whether the process that wrote this is still there. */
export async function isAlive(owner: { readonly pid: number; readonly started: string }): Promise<boolean> {
  return (await processStart(owner.pid)) === owner.started;
}

/** A process's start time in clock ticks since boot: field 22 of /proc/PID/stat (proc_pid_stat(5)). */
export async function processStart(pid: number): Promise<string | undefined> {
  try {
    return startIn(await readFile(`/proc/${pid}/stat`, "utf8"));
  } catch (error) {
    if (hasCode(error, "ENOENT") || hasCode(error, "ESRCH")) return undefined;
    throw error;
  }
}

/** The same in the file's text. */
export function startIn(stat: string): string | undefined {
  // The command's name is in brackets and may hold spaces: count from the last bracket, which ends field 2.
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}

/** Makes the lock with its content in one step (a link fails where the name exists). */
async function tryTake(path: string, mine: Owner): Promise<boolean> {
  const draft = `${path}.${mine.nonce}`;
  await writeFile(draft, JSON.stringify(mine));
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Undefined where there is no lock. An unreadable one counts as held by nobody alive. */
async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    return parseOwner(await readFile(path, "utf8"));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

function parseOwner(text: string): Owner {
  try {
    return JSON.parse(text) as Owner;
  } catch {
    return { pid: 0, started: "unreadable", nonce: "unreadable" };
  }
}

/** Takes a dead owner's lock away; a lock that somebody made in the meantime is put back. */
async function removeStale(path: string, dead: Owner): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return;
    throw error;
  }
  if ((await readOwner(aside))?.nonce !== dead.nonce) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}
