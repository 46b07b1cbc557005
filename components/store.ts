/**
 * The cache: what was made, found by a hash of how it is made.
 *
 *     store/KEY/meta.json   name, version, source used, size
 *     store/KEY/out/…       the result; read-only to everyone
 *     index/NAME            the key that NAME had last
 *     tmp/PID-START-…/      work under way; removed once its process is gone
 *     locks/KEY.lock        one maker at a time
 *
 * A result appears by one rename and is never changed, so being killed anywhere
 * leaves either the whole of it or nothing.
 */
import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { sha256, stableJson } from "#base/hash.ts";
import { exists, folderMiB, hasCode } from "./files.ts";
import { isAlive, processStart, withLock } from "./lock.ts";

/** What is remembered beside a result. */
export interface StoredMeta {
  readonly name: string;
  readonly version: string;
  /** Where it came from, in words: a URL, a Go module, Debian packages. */
  readonly source: string;
  readonly sizeMiB: number;
  readonly seconds: number;
}

export interface StoredEntry {
  readonly key: string;
  /** Folder with the result. */
  readonly out: string;
  readonly meta: StoredMeta;
}

/** One thing to have: `recipe` is everything that decides the result. */
export interface Wanted {
  readonly name: string;
  readonly version: string;
  readonly recipe: unknown;
  /** Name in the index where it is not the component's. */
  readonly indexedAs?: string;
  /** Makes the result inside `out` (an empty folder) and says its source; `scratch` is removed afterwards. */
  readonly make: (folders: { out: string; scratch: string }) => Promise<string>;
}

export interface EnsureOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onWait?: (pid: number) => void;
}

/** $XDG_CACHE_HOME/panopticon, by default ~/.cache/panopticon (XDG Base Directory Specification). */
export function defaultCacheDir(env: NodeJS.ProcessEnv = process.env): string {
  const base = env["XDG_CACHE_HOME"];
  return join(base?.startsWith("/") ? base : join(homedir(), ".cache"), "panopticon");
}

/** The key of a recipe. */
export function keyOf(name: string, version: string, recipe: unknown): string {
  return sha256(stableJson({ name, version, recipe }));
}

/** The entry where it is there already. */
export async function findEntry(cacheDir: string, key: string): Promise<StoredEntry | undefined> {
  const folder = join(cacheDir, "store", key);
  try {
    const meta = JSON.parse(await readFile(join(folder, "meta.json"), "utf8")) as StoredMeta;
    return { key, out: join(folder, "out"), meta };
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** The entry that this name had last, whatever its recipe was. */
export async function lastEntry(cacheDir: string, name: string): Promise<StoredEntry | undefined> {
  try {
    return await findEntry(cacheDir, (await readFile(join(cacheDir, "index", name), "utf8")).trim());
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Gives the entry, made first where it is absent. Safe to run twice at once and to kill anywhere. */
export async function ensureEntry(
  cacheDir: string,
  wanted: Wanted,
  options: EnsureOptions = {},
): Promise<StoredEntry> {
  const key = keyOf(wanted.name, wanted.version, wanted.recipe);
  const found = (await findEntry(cacheDir, key)) ?? (await makeLocked(cacheDir, key, wanted, options));
  await remember(cacheDir, wanted.indexedAs ?? wanted.name, key);
  return found;
}

/** Removes what dead processes were working on. */
export async function removeLeftovers(cacheDir: string): Promise<void> {
  const folder = join(cacheDir, "tmp");
  if (!(await exists(folder))) return;
  for (const name of await readdir(folder)) {
    const [pid = "", started = ""] = name.split("-");
    if (await isAlive({ pid: Number(pid), started })) continue;
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** A new folder for work under way; its name says whose it is. */
export async function workFolder(cacheDir: string): Promise<string> {
  const started = await processStart(process.pid);
  const folder = join(cacheDir, "tmp", `${process.pid}-${started}-${randomUUID().slice(0, 8)}`);
  await mkdir(folder, { recursive: true });
  return folder;
}

async function makeLocked(
  cacheDir: string,
  key: string,
  wanted: Wanted,
  options: EnsureOptions,
): Promise<StoredEntry> {
  return withLock(join(cacheDir, "locks", `${key}.lock`), options, async () => {
    const madeByOther = await findEntry(cacheDir, key);
    if (madeByOther) return madeByOther;
    const folder = await workFolder(cacheDir);
    try {
      await make(folder, wanted);
      await publish(cacheDir, join(folder, "entry"), key);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    const made = await findEntry(cacheDir, key);
    if (!made) throw new Error(`store entry ${key} vanished`);
    return made;
  });
}

async function make(folder: string, wanted: Wanted): Promise<void> {
  const out = join(folder, "entry", "out");
  const scratch = join(folder, "scratch");
  await mkdir(out, { recursive: true });
  await mkdir(scratch);
  const began = performance.now();
  const source = await wanted.make({ out, scratch });
  const meta: StoredMeta = {
    name: wanted.name,
    version: wanted.version,
    source,
    sizeMiB: await folderMiB(out),
    seconds: Math.round((performance.now() - began) / 100) / 10,
  };
  await writeFile(join(folder, "entry", "meta.json"), stableJson(meta, 2));
}

/** Moves a finished entry to its place; where another run was first, that one stays. */
async function publish(cacheDir: string, entry: string, key: string): Promise<void> {
  await mkdir(join(cacheDir, "store"), { recursive: true });
  try {
    await rename(entry, join(cacheDir, "store", key));
  } catch (error) {
    if (!hasCode(error, "ENOTEMPTY") && !hasCode(error, "EEXIST")) throw error;
  }
}

async function remember(cacheDir: string, name: string, key: string): Promise<void> {
  const folder = join(cacheDir, "index");
  await mkdir(folder, { recursive: true });
  const draft = join(folder, `.${name}.${randomUUID()}`);
  await writeFile(draft, `${key}\n`);
  await rename(draft, join(folder, name));
}
