/**
 * Builds an image: Debian's packages by mmdebstrap as a tar, out of it kernel,
 * initrd and a packed ext4 that a server's volumes are filled with, and the bill
 * of materials. No loop mount; root only where a user has no ids of its own
 * (/etc/subuid). The same packages give the same bytes.
 */
import { createHash } from "node:crypto";
import { copyFile, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { nameUuid, stableJson } from "#base/hash.ts";
import { bootstrap, isRoot, requireBootstrapTools } from "../bootstrap.ts";
import { hostMirror } from "../debian.ts";
import { KEPT_ALL_THE_SAME, LEFT_OUT } from "../packages.ts";
import { contained, run, tied } from "../run.ts";
import { writeOverlay } from "./overlay.ts";
import { EPOCH_S, GUEST_LEFT_OUT, GUEST_RECIPES, type GuestRole, GUEST_SUITE } from "./roles.ts";
import { FINISH_HOOK, MAKE_FILE_SYSTEM, WORK } from "./scripts.ts";
import { type ImageFile, packagesDigest, parsePackages, spdxDocument } from "./sbom.ts";

/** What a server needs to boot a guest, in the order of the digest. */
const BOOT_FILES = ["vmlinuz", "initrd.img", "root.img.gz"] as const;
const SBOM = "sbom.spdx.json";
const INFO = "image.json";

/** Every file of a built image's folder. */
export const IMAGE_FILES = [...BOOT_FILES, SBOM, INFO] as const;

/** What is known of a built image; kept beside it. */
export interface ImageInfo {
  readonly role: GuestRole;
  readonly suite: string;
  /** Version of the kernel's package. */
  readonly kernel: string;
  /** SHA-256 over those of kernel, initrd and packed root; its beginning names the image's folder on servers. */
  readonly digest: string;
  /** Of names, versions and checksums of the packages: the digest belongs to them. */
  readonly packagesDigest: string;
  readonly packages: number;
  /** Of kernel, initrd and packed root together. */
  readonly packedBytes: number;
  /** Of the files in the root, in blocks of 4 KiB. */
  readonly rootBytes: number;
  /** Size of the unpacked file system; it grows to its volume at the first boot. */
  readonly fileSystemMiB: number;
  readonly files: readonly ImageFile[];
}

export interface BuildFolders {
  /** Takes the image's files. */
  readonly out: string;
  /** Takes what is removed afterwards. */
  readonly scratch: string;
}

export interface BuildOptions {
  readonly signal?: AbortSignal | undefined;
  readonly say: (what: string) => void;
}

/** Builds the role's image into `out`; half a minute to two. COMPONENT_GUEST_IMAGE where a step fails. */
export async function buildImage(
  role: GuestRole,
  { out, scratch }: BuildFolders,
  options: BuildOptions,
): Promise<ImageInfo> {
  await requireBootstrapTools();
  const tar = join(scratch, "system.tar");
  await install(role, scratch, tar, options);
  await runStep(["tar", "-xf", tar, "-C", scratch, "--strip-components=2", `./${WORK}`], options);
  const work = join(scratch, "panopticon");
  for (const name of ["vmlinuz", "initrd.img"]) await copyFile(join(work, name), join(out, name));
  options.say("making the file system");
  const { rootBytes, fileSystemMiB } = await makeFileSystem(
    role,
    tar,
    join(out, "root.img.gz"),
    scratch,
    options,
  );
  const packages = parsePackages(await readFile(join(work, "packages"), "utf8"));
  const files = await Promise.all(BOOT_FILES.map((name) => describeFile(out, name)));
  const info: ImageInfo = {
    role,
    suite: GUEST_SUITE,
    kernel: packages.find(({ name }) => /^linux-image-\d/.test(name))?.version ?? "",
    digest: digestOf(files),
    packagesDigest: packagesDigest(packages),
    packages: packages.length,
    packedBytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    rootBytes,
    fileSystemMiB,
    files,
  };
  const document = spdxDocument(`panopticon-${role}`, packages, files, new Date(EPOCH_S * 1000));
  await writeFile(join(out, SBOM), `${stableJson(document, 2)}\n`);
  await writeFile(join(out, INFO), `${stableJson(info, 2)}\n`);
  return info;
}

/** What is known of the image in that folder. */
export async function readImageInfo(folder: string): Promise<ImageInfo> {
  return JSON.parse(await readFile(join(folder, INFO), "utf8")) as ImageInfo;
}

const CODE = "COMPONENT_GUEST_IMAGE";

/** Makes `tar`, in which the settings and results of the role's own steps are below boot. */
async function install(role: GuestRole, scratch: string, tar: string, options: BuildOptions): Promise<void> {
  const overlay = join(scratch, "overlay.tar");
  await writeOverlay(role, overlay);
  const wanted = {
    suite: GUEST_SUITE,
    variant: "essential",
    packages: GUEST_RECIPES[role].packages.map(({ name }) => name),
    leftOut: [...LEFT_OUT, ...GUEST_LEFT_OUT.map(({ pattern }) => pattern)],
    kept: KEPT_ALL_THE_SAME,
    format: "tar",
    target: tar,
    hooks: [
      `--customize-hook=tar-in '${overlay.replaceAll("'", String.raw`'\''`)}' /`,
      `--customize-hook=${FINISH_HOOK}`,
    ],
    // The kernel's own scripts would make an initrd before its settings are there.
    env: { ...reproducible(), INITRD: "No", ...(isRoot() && { TMPDIR: scratch }) },
    code: CODE,
  } as const;
  await bootstrap(wanted, await hostMirror(), options);
}

async function makeFileSystem(
  role: GuestRole,
  tar: string,
  image: string,
  scratch: string,
  options: BuildOptions,
): Promise<Pick<ImageInfo, "rootBytes" | "fileSystemMiB">> {
  const ids = [nameUuid(`guest/${role}/file-system`), nameUuid(`guest/${role}/names`)];
  const argv = ["sh", "-c", MAKE_FILE_SYSTEM, "make", tar, join(scratch, "root"), image, ...ids];
  const mapped = ["unshare", "--map-root-user", "--map-auto", "--", ...argv];
  const said = await runStep(isRoot() ? argv : mapped, options);
  const [rootBytes = 0, fileSystemMiB = 0] = said.trim().split(" ").map(Number);
  return { rootBytes, fileSystemMiB };
}

function runStep(argv: readonly string[], { signal }: BuildOptions): Promise<string> {
  const env = { ...process.env, ...reproducible() };
  return run(isRoot() ? contained(argv) : tied(argv), { env, signal, code: CODE });
}

function reproducible(): Readonly<Record<string, string>> {
  return { SOURCE_DATE_EPOCH: String(EPOCH_S), TZ: "UTC" };
}

async function describeFile(folder: string, name: string): Promise<ImageFile> {
  const path = join(folder, name);
  const content = await readFile(path);
  const sum = (kind: string): string => createHash(kind).update(content).digest("hex");
  return { name, bytes: (await stat(path)).size, sha1: sum("sha1"), sha256: sum("sha256") };
}

function digestOf(files: readonly ImageFile[]): string {
  const hash = createHash("sha256");
  for (const { sha256 } of files) hash.update(Buffer.from(sha256, "hex"));
  return hash.digest("hex");
}
