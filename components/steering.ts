/**
 * Our program for machines that are no nodes: the ECAMs, where steering runs. As
 * with the agent's image, Node and the modules (large, seldom new) are one part,
 * our own source (small) the other; both are named by their content and are
 * plain tar archives, since an ECAM has no containers.
 */
import { createReadStream, createWriteStream } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { pack, type Pack } from "tar-stream";
import { stableJson } from "#base/hash.ts";
import { type FileEntry, nodeProgram, ownFiles, packageFiles, PROGRAM_HOME } from "./agent.ts";
import { fileSha256 } from "./files.ts";
import type { ComponentName } from "./source.ts";
import type { StoredEntry } from "./store.ts";

/** Raise it when the archives change though their content's own recipe does not. */
export const STEERING_REVISION = 1;

const ARCHIVE = "program.tar";
const WRITTEN = "program.json";

/** A part, and the archive that holds it. */
export interface ProgramPart {
  /** With the digest of its content. */
  readonly name: string;
  readonly archive: string;
}

/** Writes Node as `bin/node` and the modules as `node_modules`. */
export async function makeSteeringRuntime(out: string): Promise<void> {
  const node = { path: "bin/node", file: nodeProgram(), mode: 0o755 };
  await write("runtime", [node, ...(await packageFiles()).map(fromHome)], out);
}

/** Writes our own source. */
export async function makeSteering(out: string): Promise<void> {
  await write("source", (await ownFiles()).map(fromHome), out);
}

/** Our program for machines without containers. */
export interface Program {
  readonly runtime: ProgramPart;
  readonly source: ProgramPart;
}

/** The program where both of its parts are there. */
export async function programOf(
  entries: ReadonlyMap<ComponentName, StoredEntry>,
): Promise<Program | undefined> {
  const [source, runtime] = [entries.get("steering")?.out, entries.get("steering-runtime")?.out];
  if (source === undefined || runtime === undefined) return undefined;
  return { source: await programPart(source), runtime: await programPart(runtime) };
}

/** What is in a folder that one of the two has filled. */
async function programPart(folder: string): Promise<ProgramPart> {
  const { name } = JSON.parse(await readFile(join(folder, WRITTEN), "utf8")) as { readonly name: string };
  return { name, archive: join(folder, ARCHIVE) };
}

function fromHome({ path, file, mode }: FileEntry): FileEntry {
  return { path: path.slice(PROGRAM_HOME.length + 1), file, mode };
}

async function write(kind: string, files: readonly FileEntry[], out: string): Promise<void> {
  const archive = join(out, ARCHIVE);
  const tar = pack();
  const written = pipeline(tar, createWriteStream(archive));
  for (const file of files.toSorted((left, right) => (left.path < right.path ? -1 : 1))) await add(tar, file);
  tar.finalize();
  await written;
  await writeFile(
    join(out, WRITTEN),
    stableJson({ name: `${kind}-${(await fileSha256(archive)).slice(0, 12)}` }),
  );
}

/** Root's, and of no time: the same files give the same bytes. */
async function add(tar: Pack, { path, file, mode }: FileEntry): Promise<void> {
  const { size } = await stat(file);
  const entry = tar.entry({ name: path, size, mode, mtime: new Date(0), uid: 0, gid: 0 });
  await pipeline(createReadStream(file), entry);
}
