/**
 * The agent as an image: Node and the modules that npm installed by the lock
 * file (the runtime), and our own source over them. The runtime is large and
 * changes seldom, so nodes have it from the beginning; the source is small and
 * is brought to them whenever it changes. Both are named by their content.
 */
import { existsSync } from "node:fs";
import { readdir, readFile, realpath, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { worldFailed } from "#base/errors.ts";
import { sha256, stableJson } from "#base/hash.ts";
import { addWithLinks, executable } from "./images.ts";
import { type HeldLayer, type Layer, type LayerEntry, type WrittenImage, writeImages } from "./imagetar.ts";
import { releaseArchitecture } from "./official.ts";
import { run } from "./run.ts";

/** Raise it when the images change though neither the lock file nor the source does. */
const REVISION = 1;

const CHECKOUT = join(import.meta.dirname, "..");
/** Where the checkout is inside the image. */
const HOME = "opt/panopticon";
export { HOME as PROGRAM_HOME };
/** Nobody: the agent writes no file. */
const USER = "65532:65532";
/** The dynamic loader that Node's program names (ELF's PT_INTERP). */
const LOADER = process.arch === "arm64" ? "/lib/ld-linux-aarch64.so.1" : "/lib64/ld-linux-x86-64.so.2";
const NODE = `node-linux-${process.arch}`;
/**
 * Node's own, with which an agent keeps little more than it needs: otherwise its
 * heap doubles before it is swept. Measured with 10,000 objects, the peak of
 * memory is less than half and the processor's time no more. The launcher gives
 * the same ones.
 */
export const AGENT_FLAGS = ["--heap-growing-percent=20", "--max-semi-space-size=4"] as const;
const ENTRYPOINT = [
  "/usr/local/bin/node",
  ...AGENT_FLAGS,
  "--disable-warning=ExperimentalWarning",
  `/${HOME}/src/cli/main.ts`,
] as const;

/** What a module needs to run, and its licence; no types, no maps, no second copy in TypeScript. */
const RUNS = /\.(js|cjs|mjs|json|wasm)$|^(licen[cs]e|notice)/i;
/** What only our tests need. */
const TESTS = /\.(test|suite|fixture)\.ts$|\/test\//;

export const AGENT_ARCHIVE = "image.tar";
const WRITTEN = "image.json";

/** What decides the runtime: the packages' versions and checksums, as npm was told. */
export async function runtimeRecipe(): Promise<object> {
  return { revision: REVISION, packages: await lockedPackages(), entrypoint: ENTRYPOINT };
}

/** What decides the image over its runtime: every file of ours that is in it. */
export async function agentRecipe(): Promise<object> {
  const files = await ownFiles();
  const hashes = files.map(async ({ path, file }) => [path, sha256(await readFile(file, "utf8"))] as const);
  return { revision: REVISION, files: Object.fromEntries(await Promise.all(hashes)) };
}

/** Writes the runtime's archive into `out`. */
export async function makeRuntime(baseRoot: string, out: string, scratch: string): Promise<void> {
  const layers = [await nodeLayer(baseRoot), await moduleLayer()];
  await writeImage("agent-runtime", layers, out, scratch);
}

/** Writes the archive of the agent's image into `out`; without the layers of the runtime, which nodes have. */
export async function makeAgent(runtime: string, out: string, scratch: string): Promise<void> {
  const { layers } = await writtenImage(runtime);
  await writeImage("agent", [...layers, { entries: await ownFiles() }], out, scratch);
}

/** What is in a folder that `makeRuntime` or `makeAgent` has filled. */
export async function writtenImage(folder: string): Promise<WrittenImage> {
  return JSON.parse(await readFile(join(folder, WRITTEN), "utf8")) as WrittenImage;
}

async function writeImage(
  name: string,
  layers: readonly (Layer | HeldLayer)[],
  out: string,
  scratch: string,
): Promise<void> {
  const named = (held: readonly HeldLayer[]): string =>
    `panopticon.test/${name}:${sha256(stableJson([ENTRYPOINT, USER, held])).slice(0, 12)}`;
  const spec = { name: named, layers, entrypoint: ENTRYPOINT, user: USER };
  const [written] = await writeImages([spec], releaseArchitecture(), join(out, AGENT_ARCHIVE), scratch);
  await writeFile(join(out, WRITTEN), stableJson(written));
}

/** Node's program in its package; COMPONENT_NODE_PACKAGE where that is not installed. */
export function nodeProgram(): string {
  const file = join(CHECKOUT, "node_modules", NODE, "bin/node");
  if (existsSync(file)) return file;
  throw worldFailed(
    "COMPONENT_NODE_PACKAGE",
    `${NODE} is not installed, from which machines get Node`,
    "Run `npm ci`; it is an optional dependency, which `--omit=optional` leaves out.",
  );
}

/** Node as its package has it, with the libraries of the base root that its loader finds. */
async function nodeLayer(baseRoot: string): Promise<Layer> {
  const file = nodeProgram();
  const folders = ["usr/lib", "usr/lib64"].map((folder) => join(baseRoot, folder));
  const triplets = (await readdir(join(baseRoot, "usr/lib"))).filter((name) => /^\w+-linux-gnu$/.test(name));
  const path = [...triplets.map((name) => join(baseRoot, "usr/lib", name)), ...folders].join(":");
  // The base root's own loader says what it would load, whatever the host has.
  const program = await realpath(join(baseRoot, LOADER));
  const listed = await run([
    program,
    "--inhibit-cache",
    "--library-path",
    path,
    "--list",
    await realpath(file),
  ]);
  const found = [...listed.matchAll(/ => (\/\S+) \(0x/g)].map((match) => match[1] ?? "");
  const libraries = found.filter((library) => library.startsWith(`${baseRoot}/`));
  if (libraries.length === 0)
    throw worldFailed("COMPONENT_LIBRARIES", `the loader names no library of node: ${listed}`);
  const entries = new Map<string, LayerEntry>();
  for (const library of [LOADER, ...libraries.map((one) => `/${relative(baseRoot, one)}`)])
    await addWithLinks(baseRoot, library, entries);
  return { entries: [...entries.values(), executable("usr/local/bin/node", file)] };
}

async function moduleLayer(): Promise<Layer> {
  return { entries: await packageFiles() };
}

/** Of the packages that run, but Node's own. */
export async function packageFiles(): Promise<readonly FileEntry[]> {
  const folders = Object.keys(await lockedPackages()).filter((path) => !path.endsWith(`/${NODE}`));
  const entries = await Promise.all(folders.map((folder) => moduleFiles(folder)));
  return entries.flat();
}

/** The files of one package, without the packages inside it. */
async function moduleFiles(folder: string): Promise<readonly FileEntry[]> {
  const files = await filesBelow(folder, (path) => !path.slice(folder.length).includes("/node_modules/"));
  return files.filter(({ path }) => RUNS.test(path.slice(path.lastIndexOf("/") + 1)));
}

/** A file of this checkout, and where it goes. */
export interface FileEntry {
  readonly path: string;
  readonly file: string;
  readonly mode: number;
}

/** Of our own source, what runs. */
export async function ownFiles(): Promise<readonly FileEntry[]> {
  const src = await filesBelow("src", (path) => !TESTS.test(path));
  const names = (await readdir(join(CHECKOUT, "components"))).filter((name) => name.endsWith(".ts"));
  const components = names.map((name) => `components/${name}`).filter((path) => !TESTS.test(path));
  return [...src, ...["package.json", "LICENSE", ...components].map(entryOf)];
}

async function filesBelow(folder: string, wanted: (path: string) => boolean): Promise<readonly FileEntry[]> {
  const found = await readdir(join(CHECKOUT, folder), { recursive: true, withFileTypes: true });
  const paths = found
    .filter((entry) => entry.isFile())
    .map((entry) => relative(CHECKOUT, join(entry.parentPath, entry.name)));
  return paths.filter(wanted).toSorted().map(entryOf);
}

function entryOf(path: string): FileEntry {
  return { path: `${HOME}/${path}`, file: join(CHECKOUT, path), mode: 0o644 };
}

interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
}

/** By their folders, the packages that run: no development packages, and of the optional ones this machine's Node. */
async function lockedPackages(): Promise<
  Readonly<Record<string, Pick<LockedPackage, "version" | "integrity">>>
> {
  const lock = JSON.parse(await readFile(join(CHECKOUT, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, LockedPackage>>;
  };
  const runs = Object.entries(lock.packages).filter(
    ([path, { dev, optional }]) => path !== "" && !dev && (!optional || path.endsWith(`/${NODE}`)),
  );
  return Object.fromEntries(
    runs.map(([path, { version = "", integrity = "" }]) => [path, { version, integrity }]),
  );
}
