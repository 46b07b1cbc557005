/**
 * A folder of secrets: directories 0700, files 0600, every file complete or
 * absent. What exists is never overwritten by `createOnce`, so two runs at the
 * same time, or a run killed anywhere, end with one set of keys.
 */
import { randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { worldFailed } from "#base/errors.ts";

/** The file's text, or undefined where there is no such file; any other failure is an error. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (isCode(cause, "ENOENT")) return undefined;
    throw storeError(path, "read", cause);
  }
}

/** Writes the file where none exists and gives back what the file holds now: ours, or what was there first. */
export async function createOnce(path: string, content: string): Promise<string> {
  const temporary = await writeTemporary(path, content);
  try {
    // link(2), unlike rename(2), fails where the name is taken: the first writer wins.
    await link(temporary, path);
    await syncFolder(dirname(path));
    return content;
  } catch (cause) {
    if (!isCode(cause, "EEXIST")) throw storeError(path, "write", cause);
    return await readFile(path, "utf8");
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Replaces the file's content in one step, with mode 0600. */
export async function replaceFile(path: string, content: string): Promise<void> {
  const temporary = await writeTemporary(path, content);
  try {
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    await rm(temporary, { force: true });
    throw storeError(path, "write", cause);
  }
}

/** Makes the folder, readable by its owner only. */
export async function privateFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw storeError(path, "make", cause);
  }
}

async function writeTemporary(path: string, content: string): Promise<string> {
  await privateFolder(dirname(path));
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}`);
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    return temporary;
  } catch (cause) {
    await rm(temporary, { force: true });
    throw storeError(path, "write", cause);
  }
}

/** Makes the new name itself survive a power cut. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function isCode(cause: unknown, code: string): boolean {
  return cause instanceof Error && "code" in cause && cause.code === code;
}

function storeError(path: string, verb: string, cause: unknown): Error {
  const why = cause instanceof Error ? cause.message : String(cause);
  return worldFailed(
    "PKI_STORE",
    `Could not ${verb} ${path}: ${why}.`,
    "Check the folder's owner and free space.",
    cause,
  );
}
