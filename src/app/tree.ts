/**
 * Rendered files in a folder, for a person to read and compare. The folder is
 * ours as a whole: a marker in it lists what we wrote, so that the next run
 * removes what is no longer rendered, and a folder without it is left alone.
 */
import { chmod, mkdir, readdir, readFile, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { wrongUse } from "#base/errors.ts";
import { stableJson } from "#base/hash.ts";
import type { RenderedFile } from "#render/files.ts";

const MARKER = ".panopticon-rendered.json";

/** What writing a tree changed; paths are relative to the folder. */
export interface TreeChanges {
  readonly written: readonly string[];
  readonly unchanged: readonly string[];
  readonly removed: readonly string[];
}

/**
 * Makes the folder hold exactly `files` (by path relative to it). Throws
 * CLI_OUT_NOT_OURS where it holds something else, CLI_OUT_IS_FILE where it is none.
 */
export async function writeTree(
  folder: string,
  files: Readonly<Record<string, RenderedFile>>,
): Promise<TreeChanges> {
  const before = await ownFiles(folder);
  const paths = Object.keys(files);
  // Written first with both lists: a run that is killed leaves nothing we don't know of.
  await mark(folder, [...new Set([...before, ...paths])]);
  const removed = before.filter((path) => !(path in files));
  for (const path of removed) await removeFile(folder, path);
  const written: string[] = [];
  const unchanged: string[] = [];
  for (const [path, file] of Object.entries(files)) {
    const changed = await writeOne(join(folder, path), file);
    (changed ? written : unchanged).push(path);
  }
  await mark(folder, paths);
  return { written, unchanged, removed };
}

/** What an earlier run wrote here; nothing where the folder is new or empty. */
async function ownFiles(folder: string): Promise<readonly string[]> {
  const entries = await readFolder(folder);
  if (entries.length === 0) return [];
  if (!entries.includes(MARKER)) {
    throw wrongUse(
      "CLI_OUT_NOT_OURS",
      `${folder} holds files that \`panopticon render\` did not write`,
      "name a new folder, or empty this one yourself",
    );
  }
  const marker = JSON.parse(await readFile(join(folder, MARKER), "utf8")) as { files: string[] };
  return marker.files;
}

async function readFolder(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return [];
    if (code === "ENOTDIR") throw wrongUse("CLI_OUT_IS_FILE", `${folder} is a file`, "name a folder");
    throw wrongUse("CLI_OUT_UNREADABLE", `${folder} can't be read (${code})`, "name a folder of your own");
  }
}

async function mark(folder: string, paths: readonly string[]): Promise<void> {
  const marker = { about: "written by `panopticon render`, which replaces it", files: paths.toSorted() };
  await writeWhole(join(folder, MARKER), `${stableJson(marker, 2)}\n`, 0o644);
}

async function writeOne(file: string, { content, mode }: RenderedFile): Promise<boolean> {
  const present = await readFile(file, "utf8").catch(() => undefined);
  if (present === content && ((await stat(file)).mode & 0o777) === mode) return false;
  await writeWhole(file, content, mode);
  return true;
}

async function writeWhole(file: string, content: string, mode: number): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, content);
  await chmod(`${file}.new`, mode);
  await rename(`${file}.new`, file);
}

/** Removes a file of ours and the folders it leaves empty. */
async function removeFile(folder: string, path: string): Promise<void> {
  await rm(join(folder, path), { force: true });
  for (let parent = dirname(path); parent !== "."; parent = dirname(parent)) {
    const empty = await rmdir(join(folder, parent)).then(
      () => true,
      () => false,
    );
    if (!empty) return;
  }
}
