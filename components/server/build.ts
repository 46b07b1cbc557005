/**
 * Builds what all sticks have in common: kernel and initrd of the installer, and
 * the packed system of a server. Debian's packages by mmdebstrap, no loop mount;
 * root only where a user has no ids of its own (/etc/subuid).
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { copyFile, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress } from "node:zlib";
import { stableJson } from "#base/hash.ts";
import { bootstrap, isRoot, requireBootstrapTools } from "../bootstrap.ts";
import { hostMirror } from "../debian.ts";
import { EPOCH_S } from "../guest/roles.ts";
import { type ImageFile, packagesDigest, parsePackages, spdxDocument } from "../guest/sbom.ts";
import { KEPT_ALL_THE_SAME, LEFT_OUT } from "../packages.ts";
import { serverOverlay, writeTar } from "./overlay.ts";
import { SERVER_COMPONENTS, SERVER_PACKAGES, SERVER_SUITE } from "./recipe.ts";
import { SERVER_WORK } from "./scripts.ts";

/** What the installer boots, and what it unpacks. */
const SYSTEM_FILES = ["vmlinuz", "initrd.img", "system.tar.zst"] as const;

/** What is known of a built system; kept beside it. */
export interface SystemInfo {
  readonly suite: string;
  /** Versions of the packages of kernel and hypervisor. */
  readonly kernel: string;
  readonly xen: string;
  readonly packages: number;
  readonly packagesDigest: string;
  /** Of the files that the installer unpacks. */
  readonly unpackedBytes: number;
  readonly files: readonly ImageFile[];
}

export interface BuildSystemOptions {
  readonly signal?: AbortSignal | undefined;
  readonly say: (what: string) => void;
}

const CODE = "COMPONENT_SERVER_SYSTEM";

/** Builds the system into `out`; a minute or two. COMPONENT_SERVER_SYSTEM where a step fails. */
export async function buildSystem(
  { out, scratch }: { readonly out: string; readonly scratch: string },
  options: BuildSystemOptions,
): Promise<SystemInfo> {
  await requireBootstrapTools();
  const tar = join(scratch, "system.tar");
  const work = join(scratch, "work");
  await mkdir(work);
  await install(scratch, work, tar, options);
  const made = join(work, "panopticon");
  for (const name of ["vmlinuz", "initrd.img"]) await copyFile(join(made, name), join(out, name));
  options.say("packing the system");
  const fast = { params: { [constants.ZSTD_c_compressionLevel]: 6 } };
  await pipeline(
    createReadStream(tar),
    createZstdCompress(fast),
    createWriteStream(join(out, "system.tar.zst")),
  );
  const packages = parsePackages(await readFile(join(made, "packages"), "utf8"));
  const files = await Promise.all(SYSTEM_FILES.map((name) => describeFile(out, name)));
  const versionOf = (pattern: RegExp) => packages.find(({ name }) => pattern.test(name))?.version ?? "";
  const info: SystemInfo = {
    suite: SERVER_SUITE,
    kernel: versionOf(/^linux-image-\d/),
    xen: versionOf(/^xen-hypervisor-\d/),
    packages: packages.length,
    packagesDigest: packagesDigest(packages),
    unpackedBytes: (await stat(tar)).size,
    files,
  };
  const document = spdxDocument("panopticon-server", packages, files, new Date(EPOCH_S * 1000));
  await writeFile(join(out, "sbom.spdx.json"), `${stableJson(document, 2)}\n`);
  await writeFile(join(out, "system.json"), `${stableJson(info, 2)}\n`);
  return info;
}

/** What is known of the system in that folder. */
export async function readSystemInfo(folder: string): Promise<SystemInfo> {
  return JSON.parse(await readFile(join(folder, "system.json"), "utf8")) as SystemInfo;
}

async function install(
  scratch: string,
  work: string,
  tar: string,
  options: BuildSystemOptions,
): Promise<void> {
  const overlay = join(scratch, "overlay.tar");
  await writeTar(overlay, await serverOverlay());
  const quoted = (path: string): string => `'${path.replaceAll("'", String.raw`'\''`)}'`;
  const wanted = {
    suite: SERVER_SUITE,
    components: SERVER_COMPONENTS,
    variant: "minbase",
    packages: SERVER_PACKAGES.map(({ name }) => name),
    leftOut: LEFT_OUT,
    kept: KEPT_ALL_THE_SAME,
    format: "tar",
    target: tar,
    hooks: [
      `--customize-hook=tar-in ${quoted(overlay)} /`,
      `--customize-hook=sh "$1/${SERVER_WORK}/finish" "$1"`,
      `--customize-hook=copy-out /${SERVER_WORK} ${quoted(work)}`,
      `--customize-hook=rm -r "$1/${SERVER_WORK}"`,
    ],
    env: {
      SOURCE_DATE_EPOCH: String(EPOCH_S),
      TZ: "UTC",
      // The kernel's own scripts would make an initrd before its settings are there.
      INITRD: "No",
      ...(isRoot() && { TMPDIR: scratch }),
    },
    code: CODE,
  } as const;
  await bootstrap(wanted, await hostMirror(), options);
}

async function describeFile(folder: string, name: string): Promise<ImageFile> {
  const hashes = [createHash("sha1"), createHash("sha256")] as const;
  let bytes = 0;
  for await (const chunk of createReadStream(join(folder, name)) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    for (const hash of hashes) hash.update(chunk);
  }
  return { name, bytes, sha1: hashes[0].digest("hex"), sha256: hashes[1].digest("hex") };
}
