/** The servers' system in the cache: what sticks are made of. */
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { worldFailed } from "#base/errors.ts";
import type { Emit } from "#base/events.ts";
import { sha256, stableJson } from "#base/hash.ts";
import { archiveSnapshot } from "../debian.ts";
import { KEPT_ALL_THE_SAME, LEFT_OUT } from "../packages.ts";
import { ensureEntry, lastEntry, removeLeftovers, type StoredEntry, workFolder } from "../store.ts";
import { buildSystem, readSystemInfo, type SystemInfo } from "./build.ts";
import { serverOverlay } from "./overlay.ts";
import {
  SERVER_COMPONENTS,
  SERVER_MASKED,
  SERVER_MODULES,
  SERVER_PACKAGES,
  SERVER_STARTED,
  SERVER_SUITE,
} from "./recipe.ts";

/** Raise it when systems change though no table and no script does. */
const REVISION = 1;

/** About how long a build takes on two processors, in seconds, with the archive near. */
const EXPECTED_S = 120;

export interface SystemOptions {
  readonly cacheDir: string;
  readonly emit: Emit;
  readonly signal?: AbortSignal | undefined;
  /** A system that is younger than this is taken without asking the archive for a newer snapshot. */
  readonly freshHours: number;
}

export interface HadSystem {
  readonly info: SystemInfo;
  /** Folder with the system's files; read-only and shared. */
  readonly folder: string;
  /** Which snapshot of the archive it was made of, in words. */
  readonly version: string;
}

const SUBJECT = "server system";

/** The system that is there already and young enough; nothing is built and nothing asked of the archive. */
export async function presentSystem({
  cacheDir,
  freshHours,
}: Pick<SystemOptions, "cacheDir" | "freshHours">): Promise<HadSystem | undefined> {
  const newest = await lastEntry(cacheDir, await indexName());
  return newest && (await ageHours(newest)) < freshHours ? had(newest) : undefined;
}

/**
 * Gives the system of the archive's present snapshot, built first where the
 * cache has none that is young enough; where the archive can't be reached, the newest there is.
 */
export async function ensureSystem(options: SystemOptions): Promise<HadSystem> {
  const { cacheDir, emit, signal } = options;
  await removeLeftovers(cacheDir);
  const present = await presentSystem(options);
  if (present) return present;
  const say = (what: string): void =>
    emit({ kind: "progress", subject: SUBJECT, what, expectedSeconds: EXPECTED_S });
  const snapshot = await inWorkFolder(cacheDir, (scratch) => archiveSnapshot(SERVER_SUITE, scratch, signal));
  if (snapshot === undefined) return withoutArchive(options);
  const wanted = {
    name: "server-system",
    indexedAs: await indexName(),
    version: `${SERVER_SUITE} of ${snapshot.slice(0, 10)}`,
    recipe: { ...(await recipe()), snapshot },
    make: async (folders: { readonly out: string; readonly scratch: string }) => {
      const began = performance.now();
      await buildSystem(folders, { signal, say });
      const seconds = (performance.now() - began) / 1000;
      emit({ kind: "done", subject: SUBJECT, what: "built", seconds });
      return "Debian packages";
    },
  };
  const onWait = (pid: number): void => say(`waiting for process ${pid}, which builds it`);
  return had(await ensureEntry(cacheDir, wanted, { signal, onWait }));
}

async function withoutArchive({ cacheDir, emit }: SystemOptions): Promise<HadSystem> {
  const newest = await lastEntry(cacheDir, await indexName());
  if (newest === undefined)
    throw worldFailed(
      "COMPONENT_ARCHIVE",
      "the Debian archive can't be reached",
      "see what `apt-get update` says",
    );
  const what = `the Debian archive can't be reached: ${newest.meta.version} is used`;
  emit({ kind: "note", subject: SUBJECT, what });
  return had(newest);
}

/** What decides the system beside the archive's state. */
async function recipe(): Promise<object> {
  return {
    revision: REVISION,
    suite: SERVER_SUITE,
    components: SERVER_COMPONENTS,
    packages: SERVER_PACKAGES,
    units: [SERVER_STARTED, SERVER_MASKED, SERVER_MODULES],
    overlay: await serverOverlay(),
    everyone: [LEFT_OUT, KEPT_ALL_THE_SAME],
    architecture: process.arch,
  };
}

async function indexName(): Promise<string> {
  return `server-system.${sha256(stableJson(await recipe())).slice(0, 12)}`;
}

async function ageHours(entry: StoredEntry): Promise<number> {
  return (Date.now() - (await stat(join(entry.out, "system.json"))).mtimeMs) / 3_600_000;
}

async function had(entry: StoredEntry): Promise<HadSystem> {
  return { info: await readSystemInfo(entry.out), folder: entry.out, version: entry.meta.version };
}

async function inWorkFolder<Result>(
  cacheDir: string,
  work: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = await workFolder(cacheDir);
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
