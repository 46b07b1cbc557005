/** Takes programs from their publishers' releases: download, check, unpack. */
import { createReadStream, createWriteStream } from "node:fs";
import { chmod, copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { worldFailed } from "#base/errors.ts";
import { download, type DownloadOptions, fetchText } from "./download.ts";
import type { Checksum, OfficialFile, OfficialSource } from "./source.ts";

export interface OfficialOptions extends Omit<DownloadOptions, "onProgress"> {
  readonly scratch: string;
  readonly say: (what: string, fraction?: number) => void;
}

/** Downloads everything a source names into `out` and says where it came from. */
export async function takeOfficial(
  source: OfficialSource,
  out: string,
  options: OfficialOptions,
): Promise<string> {
  const architecture = releaseArchitecture();
  await mkdir(out, { recursive: true });
  for (const [index, file] of source.files.entries()) {
    await takeFile(file, architecture, out, {
      ...options,
      onProgress: (fraction) => options.say("downloading", (index + fraction) / source.files.length),
    });
  }
  const [first] = source.files;
  return `release of ${first ? new URL(first.url).host : "nobody"}`;
}

/** This machine's architecture as releases name it. */
export function releaseArchitecture(): string {
  return process.arch === "x64" ? "amd64" : process.arch;
}

/** Reads `HASH` or `HASH  NAME`, as checksum files have it. */
export function parseChecksumFile(text: string): string | undefined {
  return /^([0-9a-f]{64})\b/i.exec(text.trim())?.[1]?.toLowerCase();
}

async function takeFile(
  file: OfficialFile,
  architecture: string,
  out: string,
  options: OfficialOptions & DownloadOptions,
): Promise<void> {
  const url = file.url.replaceAll("{arch}", architecture);
  const expected = await expectedSha256(url, file.checksum, architecture, options);
  const path = join(options.scratch, "download");
  await download(url, expected, path, options);
  if (typeof file.gives === "string") await copyFile(path, join(out, file.gives));
  else await unpack(path, atArchitecture(file.gives, architecture), out);
  for (const name of typeof file.gives === "string" ? [file.gives] : Object.values(file.gives)) {
    await chmod(join(out, name), 0o755);
  }
  await rm(path);
}

async function expectedSha256(
  url: string,
  checksum: Checksum,
  architecture: string,
  options: DownloadOptions,
): Promise<string> {
  const found =
    checksum.kind === "pinned"
      ? checksum.sha256[architecture]
      : parseChecksumFile(await fetchText(`${url}${checksum.suffix}`, options));
  if (found) return found;
  throw worldFailed("COMPONENT_CHECKSUM", `no published SHA-256 of ${url} for ${architecture} can be read`);
}

function atArchitecture(
  paths: Readonly<Record<string, string>>,
  architecture: string,
): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(paths).map(([path, name]) => [path.replaceAll("{arch}", architecture), name]),
  );
}

/** Writes the wanted members of a .tar.gz; every one of them must be there. */
async function unpack(archive: string, wanted: ReadonlyMap<string, string>, out: string): Promise<void> {
  const missing = new Set(wanted.keys());
  const reader = extract();
  const feeding = pipeline(createReadStream(archive), createGunzip(), reader);
  for await (const member of reader) {
    const path = member.header.name.replace(/^\.\//, "");
    const name = wanted.get(path);
    if (name && member.header.type === "file") {
      await pipeline(member, createWriteStream(join(out, name)));
      missing.delete(path);
    } else {
      member.resume();
    }
  }
  await feeding;
  if (missing.size === 0) return;
  throw worldFailed("COMPONENT_RELEASE_CONTENT", `the release holds no ${[...missing].join(", ")}`);
}
