/**
 * Components: every outside program, image and root that the platform needs,
 * each from its publisher's release where that can be reached and checked, and
 * otherwise built from the same version's source. `catalogue.ts` says what,
 * `make.ts` how, `store.ts` keeps it; this file gets what is asked for.
 */
import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { worldFailed } from "#base/errors.ts";
import type { Emit } from "#base/events.ts";
import { type Program, programOf } from "./steering.ts";
import { AGENT_ARCHIVE, writtenImage } from "./agent.ts";
import { BASE_ROOT_INDEX, wantedBaseRoot } from "./baseroot.ts";
import { CATALOGUE, type Component, type ComponentName, component, PLATFORM } from "./catalogue.ts";
import { IMAGE_ARCHIVE, makeComponent } from "./make.ts";
import { NODE_PROGRAMS } from "./nodelayer.ts";
import { findReady, partsOf, recipeOf } from "./recipes.ts";
import {
  defaultCacheDir,
  ensureEntry,
  lastEntry,
  removeLeftovers,
  type StoredEntry,
  workFolder,
} from "./store.ts";

/** Paths of what was asked for. Everything there is read-only and shared: copy or overlay it. */
export interface Components {
  /** Program → path, such as kubectl. */
  readonly binaries: Readonly<Record<string, string>>;
  /** Manifest that a component carries → path, such as metallb.yaml. */
  readonly manifests: Readonly<Record<string, string>>;
  /** Root of the system under every lab machine: the lowest overlay layer. */
  readonly baseRoot: string;
  /** The node's programs in usr/local/bin: an overlay layer over the base root. */
  readonly nodeLayer: string;
  /** One OCI archive with every image. */
  readonly imageArchive: string;
  /** What a node gets as /var/lib/containerd by `cloneContainerdSeed`. */
  readonly containerdSeed: string;
  readonly agent: AgentImage;
  readonly program: Program;
}

/** An image and the OCI archive that holds it. */
export interface ImageArchive {
  /** With the digest of its content as its tag. */
  readonly name: string;
  readonly archive: string;
}

/** The agent's image; its archive lacks the layers of `runtime`, which has to be imported before it. */
export interface AgentImage extends ImageArchive {
  readonly runtime: ImageArchive;
}

/** What there is of what was asked for. */
type GotComponents = Partial<Components> & Pick<Components, "binaries" | "manifests">;

export interface GetOptions {
  readonly emit: Emit;
  /** Default: $XDG_CACHE_HOME/panopticon. */
  readonly cacheDir?: string;
  readonly signal?: AbortSignal;
}

/** Gets every component of the platform: what the lab needs. */
export async function getAllComponents(options: GetOptions): Promise<Components> {
  const got = await getComponents(
    PLATFORM.map((entry) => entry.name),
    options,
  );
  return got as Components; // all of the platform was asked for, so every path is there
}

/**
 * Gets the named components and what they are made from, in parallel where that
 * helps. What is cached costs milliseconds; being killed anywhere loses little:
 * the next run goes on. Only paths of what was named or needed are given.
 */
export async function getComponents(
  names: readonly ComponentName[],
  options: GetOptions,
): Promise<GotComponents> {
  const session = await startSession(options);
  try {
    await allOrAbort(
      session,
      names.map((name) => entryOf(session, component(name))),
    );
    const entries = new Map<ComponentName, StoredEntry>();
    for (const [name, entry] of session.entries) entries.set(name, await entry);
    await linkPrograms(session.cacheDir, entries);
    return await pathsOf(entries);
  } finally {
    await rm(session.scratch, { recursive: true, force: true });
  }
}

interface Session {
  readonly cacheDir: string;
  readonly scratch: string;
  readonly emit: Emit;
  readonly abort: AbortController;
  readonly signal: AbortSignal;
  readonly unreachable: Set<string>;
  readonly entries: Map<ComponentName, Promise<StoredEntry>>;
  readonly oneBuild: (work: () => Promise<string>) => Promise<string>;
}

async function startSession(options: GetOptions): Promise<Session> {
  const cacheDir = options.cacheDir ?? defaultCacheDir();
  await removeLeftovers(cacheDir);
  const abort = new AbortController();
  return {
    cacheDir,
    scratch: await workFolder(cacheDir),
    emit: options.emit,
    abort,
    signal: options.signal ? AbortSignal.any([options.signal, abort.signal]) : abort.signal,
    unreachable: new Set(),
    entries: new Map(),
    oneBuild: oneAtATime(),
  };
}

/** The component's entry, got once per session however many need it. */
function entryOf(session: Session, wanted: Component): Promise<StoredEntry> {
  const known = session.entries.get(wanted.name);
  if (known) return known;
  const entry = wanted.name === "base-root" ? getBaseRoot(session) : getFromSources(session, wanted);
  session.entries.set(wanted.name, entry);
  return entry;
}

async function getFromSources(session: Session, wanted: Component): Promise<StoredEntry> {
  const names = partsOf(wanted);
  const entries = await Promise.all(names.map((name) => entryOf(session, component(name))));
  const parts = Object.fromEntries(names.map((name, index) => [name, entries[index]?.out ?? ""]));
  const keys = Object.fromEntries(names.map((name, index) => [name, entries[index]?.key ?? ""]));
  const { name, version } = wanted;
  const { cacheDir, signal, unreachable, oneBuild } = session;
  const say = sayer(session, wanted);
  return ensureEntry(
    cacheDir,
    {
      name,
      version,
      recipe: await recipeOf(wanted, keys),
      make: (folders) =>
        timed(session, name, () =>
          makeComponent(wanted, parts, { ...folders, cacheDir, signal, unreachable, oneBuild, say }),
        ),
    },
    { signal, onWait: (pid) => say(`waiting for process ${pid}, which makes it`) },
  );
}

/** Hours for which the newest base root is taken without asking the archive for a newer snapshot. */
const ROOT_FRESH_H = 24;

/** The base root of the archive's present snapshot; where the archive can't be reached, the newest there is. */
async function getBaseRoot(session: Session): Promise<StoredEntry> {
  const newest = await lastEntry(session.cacheDir, BASE_ROOT_INDEX);
  if (newest && (await ageHours(join(session.cacheDir, "index", BASE_ROOT_INDEX))) < ROOT_FRESH_H)
    return newest;
  const say = sayer(session, component("base-root"));
  const wanted = await wantedBaseRoot(session.scratch, { signal: session.signal, say });
  if (wanted) {
    const make: typeof wanted.make = (folders) => timed(session, "base-root", () => wanted.make(folders));
    const onWait = (pid: number) => say(`waiting for process ${pid}, which makes it`);
    return ensureEntry(session.cacheDir, { ...wanted, make }, { signal: session.signal, onWait });
  }
  if (!newest) {
    throw worldFailed(
      "COMPONENT_ARCHIVE",
      "the Debian archive can't be reached",
      "see what `apt-get update` says",
    );
  }
  const what = `the Debian archive can't be reached: ${newest.meta.version} is used`;
  session.emit({ kind: "note", subject: "base-root", what });
  return newest;
}

async function timed<T>(session: Session, subject: ComponentName, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work();
  session.emit({ kind: "done", subject, what: "made", seconds: (performance.now() - began) / 1000 });
  return result;
}

/** Tells progress, at most ten times a second for one kind of work. */
function sayer(
  session: Session,
  { name, expectedSeconds }: Component,
): (what: string, fraction?: number) => void {
  let last = "";
  let at = Number.NEGATIVE_INFINITY;
  return (what, fraction) => {
    const now = performance.now();
    if (what === last && now - at < 100) return;
    last = what;
    at = now;
    const known = fraction === undefined ? {} : { fraction };
    session.emit({ kind: "progress", subject: name, what, ...known, expectedSeconds });
  };
}

/** Waits for all; the first failure ends the others' programs before it is thrown. */
async function allOrAbort(session: Session, work: readonly Promise<unknown>[]): Promise<void> {
  try {
    await Promise.all(work);
  } catch (error) {
    session.abort.abort();
    await Promise.allSettled(session.entries.values());
    throw error;
  }
}

function oneAtATime(): Session["oneBuild"] {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
}

/** Keeps CACHE/bin/NAME pointing to the programs in use, for people and tests on the host. */
async function linkPrograms(
  cacheDir: string,
  entries: ReadonlyMap<ComponentName, StoredEntry>,
): Promise<void> {
  const bin = join(cacheDir, "bin");
  await mkdir(bin, { recursive: true });
  for (const [name, programs] of Object.entries(NODE_PROGRAMS)) {
    const entry = entries.get(name as ComponentName);
    for (const program of entry ? programs : []) {
      const draft = join(bin, `.${program}.${randomUUID()}`);
      await symlink(join("..", "store", entry?.key ?? "", "out", program), draft);
      await rename(draft, join(bin, program));
    }
  }
}

async function pathsOf(entries: ReadonlyMap<ComponentName, StoredEntry>): Promise<GotComponents> {
  const binaries: Record<string, string> = {};
  const manifests: Record<string, string> = {};
  for (const { kind, name } of CATALOGUE) {
    const folder = kind === "binary" || kind === "source" ? entries.get(name)?.out : undefined;
    for (const file of folder ? await readdir(folder) : [])
      (file.endsWith(".yaml") ? manifests : binaries)[file] = join(folder ?? "", file);
  }
  const baseRoot = entries.get("base-root")?.out;
  const nodeLayer = entries.get("node-layer")?.out;
  const images = entries.get("images")?.out;
  const containerdSeed = entries.get("containerd-seed")?.out;
  const agent = await agentImage(entries);
  const program = await programOf(entries);
  return {
    binaries,
    manifests,
    ...(baseRoot && { baseRoot }),
    ...(nodeLayer && { nodeLayer }),
    ...(images && { imageArchive: join(images, IMAGE_ARCHIVE) }),
    ...(containerdSeed && { containerdSeed }),
    ...(agent && { agent }),
    ...(program && { program }),
  };
}

/** The manifests of what was made already; nothing is made. */
export async function readyManifests(cacheDir: string): Promise<Components["manifests"]> {
  return (await pathsOf(await findReady(PLATFORM, cacheDir))).manifests;
}

/** The agent's image where it was made from the present source; nothing is made. */
export async function readyAgent(cacheDir: string): Promise<AgentImage | undefined> {
  return agentImage(await findReady(PLATFORM, cacheDir));
}

/** The program where it was made from the present source; nothing is made. */
export async function readyProgram(cacheDir: string): Promise<Program | undefined> {
  return programOf(await findReady(PLATFORM, cacheDir));
}

async function agentImage(entries: ReadonlyMap<ComponentName, StoredEntry>): Promise<AgentImage | undefined> {
  const [agent, runtime] = [entries.get("agent")?.out, entries.get("agent-runtime")?.out];
  if (agent === undefined || runtime === undefined) return undefined;
  const { name } = await writtenImage(agent);
  const below = { name: (await writtenImage(runtime)).name, archive: join(runtime, AGENT_ARCHIVE) };
  return { name, archive: join(agent, AGENT_ARCHIVE), runtime: below };
}

async function ageHours(path: string): Promise<number> {
  return (Date.now() - (await stat(path)).mtimeMs) / 3_600_000;
}
