/**
 * A module that is built with some of its files replaced by ours: where upstream
 * compiles in what we have no use for and what cannot be had everywhere. The
 * module itself stays as go.sum pins it; only a copy of it, in our cache, differs.
 */
import { copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256, stableJson } from "#base/hash.ts";
import { exists } from "./files.ts";
import { run } from "./run.ts";
import type { GoSource } from "./source.ts";

/** Folder beside go.mod with the files of ours that take others' places. */
export const PATCHES = "patches";

interface Where {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Flags by which the Go tool takes the patched copies; none where the source has no patches. */
export async function patchFlags(
  go: string,
  { patches = [] }: GoSource,
  where: Where,
  cacheDir: string,
): Promise<readonly string[]> {
  if (patches.length === 0) return [];
  const [goMod, goSum] = await Promise.all(
    ["go.mod", "go.sum"].map((name) => readFile(join(where.cwd, name), "utf8")),
  );
  const folder = join(cacheDir, "go", "patched");
  await mkdir(folder, { recursive: true });
  const lines: string[] = [];
  for (const { module, files } of patches) {
    // Unlike `go list`, which names no folder of what was never downloaded.
    const { Dir: original } = JSON.parse(await run([go, "mod", "download", "-json", module], where)) as {
      readonly Dir: string;
    };
    lines.push(`replace ${module} => ${await patchedCopy(original, files, where.cwd, folder)}`);
  }
  const text = `${goMod}\n${lines.join("\n")}\n`;
  const name = join(folder, sha256(text).slice(0, 16));
  await writeFile(`${name}.mod`, text);
  await writeFile(`${name}.sum`, goSum ?? "");
  return [`-modfile=${name}.mod`];
}

/** The copy's folder, made where it is not there yet; the same content has the same name. */
async function patchedCopy(
  original: string,
  files: Readonly<Record<string, string>>,
  cwd: string,
  folder: string,
): Promise<string> {
  const ours = Object.entries(files).map(([path, name]) => [path, join(cwd, PATCHES, name)] as const);
  const contents = await Promise.all(ours.map(([, file]) => readFile(file, "utf8")));
  const copy = join(folder, sha256(stableJson([original, files, contents])).slice(0, 16));
  if (await exists(copy)) return copy;
  const draft = `${copy}.${process.pid}`;
  await rm(draft, { recursive: true, force: true });
  await run(["cp", "--recursive", "--no-preserve=mode", original, draft]);
  for (const [path, file] of ours) await copyFile(file, join(draft, path));
  await rename(draft, copy);
  return copy;
}
