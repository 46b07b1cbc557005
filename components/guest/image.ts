/** The images in the cache: having one, building it once more to compare, and saying what there is. */
import { randomUUID } from "node:crypto";
import { constants, copyFile, mkdir, rename, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { PanopticonError, worldFailed } from "#base/errors.ts";
import type { Emit } from "#base/events.ts";
import { sha256, stableJson } from "#base/hash.ts";
import { archiveSnapshot } from "../debian.ts";
import { KEPT_ALL_THE_SAME, LEFT_OUT } from "../packages.ts";
import {
  defaultCacheDir,
  ensureEntry,
  lastEntry,
  removeLeftovers,
  type StoredEntry,
  workFolder,
} from "../store.ts";
import { buildImage, IMAGE_FILES, type ImageInfo, readImageInfo } from "./build.ts";
import { overlayEntries } from "./overlay.ts";
import { GUEST_RECIPES, GUEST_ROLES, GUEST_SUITE, type GuestRole, recipeData } from "./roles.ts";
import { MAKE_FILE_SYSTEM } from "./scripts.ts";

/** Raise it when images change though no table and no script does. */
const REVISION = 1;

/** About how long a build takes on two processors, in seconds, with the archive near. */
const EXPECTED_S = 60;

export interface ImageOptions {
  readonly emit: Emit;
  /** Default: $XDG_CACHE_HOME/panopticon. */
  readonly cacheDir?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface EnsureImageOptions extends ImageOptions {
  /** An image that is younger than this is taken without asking the archive for a newer snapshot; default 0. */
  readonly freshHours?: number;
}

export interface HadImage {
  readonly info: ImageInfo;
  /** Folder with `IMAGE_FILES`; read-only and shared. */
  readonly folder: string;
  /** Which snapshot of the archive it was made of, in words. */
  readonly version: string;
}

/**
 * Gives the role's image of the archive's present snapshot, built first where
 * the cache has none; where the archive can't be reached, the newest there is.
 */
export async function ensureImage(role: GuestRole, options: EnsureImageOptions): Promise<HadImage> {
  return inWorkFolder(options, async (cacheDir, scratch) => {
    const { emit, signal, freshHours = 0 } = options;
    const newest = await lastEntry(cacheDir, indexName(role));
    if (newest && (await ageHours(newest)) < freshHours) return had(newest);
    const snapshot = await archiveSnapshot(GUEST_SUITE, scratch, signal);
    if (snapshot === undefined) {
      if (newest === undefined)
        throw worldFailed(
          "COMPONENT_ARCHIVE",
          "the Debian archive can't be reached",
          "see what `apt-get update` says",
        );
      emit({
        kind: "note",
        subject: subjectOf(role),
        what: `the Debian archive can't be reached: ${newest.meta.version} is used`,
      });
      return had(newest);
    }
    const entry = await ensureEntry(
      cacheDir,
      {
        name: `image-${role}`,
        indexedAs: indexName(role),
        version: `${GUEST_SUITE} of ${snapshot.slice(0, 10)}`,
        recipe: { ...recipe(role), snapshot },
        make: async (folders) => {
          await timed(role, options, () => buildImage(role, folders, { signal, say: sayer(role, emit) }));
          return "Debian packages";
        },
      },
      { signal, onWait: (pid) => sayer(role, emit)(`waiting for process ${pid}, which builds it`) },
    );
    return had(entry);
  });
}

/**
 * Builds the role's image once more and compares it with the one there is.
 * COMPONENT_NOT_REPRODUCED (exit 1) where packages are the same and bytes are not;
 * where the archive's packages moved on meanwhile that is said, and nothing can be compared.
 */
export async function reproduceImage(
  role: GuestRole,
  known: ImageInfo,
  options: ImageOptions,
): Promise<ImageInfo> {
  return inWorkFolder(options, async (_cacheDir, work) => {
    const [out, scratch] = [join(work, "out"), join(work, "scratch")];
    await Promise.all([mkdir(out), mkdir(scratch)]);
    const { emit, signal } = options;
    const again = await timed(role, options, () =>
      buildImage(role, { out, scratch }, { signal, say: sayer(role, emit) }),
    );
    const difference = compareImages(known, again);
    if (difference === undefined) return again;
    throw new PanopticonError(
      [{ code: "COMPONENT_NOT_REPRODUCED", ...difference, subject: subjectOf(role) }],
      1,
    );
  });
}

/** What two builds differ in; undefined where in nothing. */
export function compareImages(
  first: ImageInfo,
  second: ImageInfo,
): { readonly message: string; readonly hint: string } | undefined {
  if (first.packagesDigest !== second.packagesDigest)
    return {
      message: "the archive has other packages now than those the image was built of",
      hint: "build it (it becomes the image of the present packages), then compare again",
    };
  const different = first.files.filter(
    ({ name, sha256: sum }) => second.files.find((file) => file.name === name)?.sha256 !== sum,
  );
  if (different.length === 0) return undefined;
  return {
    message: `built of the same packages, these files differ: ${different.map(({ name }) => name).join(", ")}`,
    hint: "compare the two with diffoscope, and tell us",
  };
}

/** Puts the image's files into a folder of the caller's: each appears whole. */
export async function copyImage(image: HadImage, folder: string): Promise<readonly string[]> {
  const target = resolve(folder);
  const failed = (error: Error) =>
    worldFailed(
      "COMPONENT_IMAGE_COPY",
      `the image can't be put into ${target}: ${error.message}`,
      undefined,
      error,
    );
  const paths: string[] = [];
  try {
    await mkdir(target, { recursive: true });
    for (const name of IMAGE_FILES) {
      const draft = join(target, `.${name}.${randomUUID()}`);
      await copyFile(join(image.folder, name), draft, constants.COPYFILE_FICLONE);
      await rename(draft, join(target, name));
      paths.push(join(target, name));
    }
  } catch (error) {
    throw failed(error as Error);
  }
  return paths;
}

/** A role, what it is for, and its image where there is one for the present recipe. */
export interface ListedImage {
  readonly role: GuestRole;
  readonly what: string;
  readonly image?: HadImage;
  /** When it was built, in ISO 8601. */
  readonly built?: string;
}

/** Every role; nothing is built and nothing asked of the archive. */
export async function listImages(cacheDir = defaultCacheDir()): Promise<readonly ListedImage[]> {
  return Promise.all(
    GUEST_ROLES.map(async (role): Promise<ListedImage> => {
      const { what } = GUEST_RECIPES[role];
      const entry = await lastEntry(cacheDir, indexName(role));
      if (entry === undefined) return { role, what };
      const built = (await builtAt(entry)).toISOString();
      return { role, what, built, image: await had(entry) };
    }),
  );
}

/** What decides the image beside the archive's state. */
function recipe(role: GuestRole): object {
  return {
    revision: REVISION,
    ...recipeData(role),
    overlay: overlayEntries(role),
    script: MAKE_FILE_SYSTEM,
    everyone: [LEFT_OUT, KEPT_ALL_THE_SAME],
    architecture: process.arch,
  };
}

function indexName(role: GuestRole): string {
  return `image-${role}.${sha256(stableJson(recipe(role))).slice(0, 12)}`;
}

async function ageHours(entry: StoredEntry): Promise<number> {
  return (Date.now() - (await builtAt(entry)).getTime()) / 3_600_000;
}

async function builtAt(entry: StoredEntry): Promise<Date> {
  return (await stat(join(entry.out, "image.json"))).mtime;
}

async function had(entry: StoredEntry): Promise<HadImage> {
  return { info: await readImageInfo(entry.out), folder: entry.out, version: entry.meta.version };
}

async function inWorkFolder<Result>(
  options: ImageOptions,
  work: (cacheDir: string, folder: string) => Promise<Result>,
): Promise<Result> {
  const cacheDir = options.cacheDir ?? defaultCacheDir();
  await removeLeftovers(cacheDir);
  const folder = await workFolder(cacheDir);
  try {
    return await work(cacheDir, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function timed<Result>(
  role: GuestRole,
  { emit }: ImageOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  const began = performance.now();
  const result = await work();
  emit({
    kind: "done",
    subject: subjectOf(role),
    what: "built",
    seconds: (performance.now() - began) / 1000,
  });
  return result;
}

function sayer(role: GuestRole, emit: Emit): (what: string) => void {
  return (what) => emit({ kind: "progress", subject: subjectOf(role), what, expectedSeconds: EXPECTED_S });
}

function subjectOf(role: GuestRole): string {
  return `image ${role}`;
}
