/**
 * Downloads that go on where they were cut, are checked before anybody sees
 * them, and appear by one rename.
 */
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { sha256 } from "#base/hash.ts";
import { worldFailed } from "#base/errors.ts";
import { fileSha256, hasCode } from "./files.ts";

export interface DownloadOptions {
  /** Folder for what is not whole yet; survives the run. */
  readonly partsDir: string;
  readonly signal?: AbortSignal | undefined;
  /** Share of the whole that is here, where the server says its length. */
  readonly onProgress?: (fraction: number) => void;
  /** Hosts that did not answer in this run; asked once only. */
  readonly unreachable: Set<string>;
}

/** The host did not answer in time or at all: another source may be tried. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** Seconds until a host must have begun to answer. */
const ANSWER_WITHIN_S = 5;
/** Seconds without a byte after which a download counts as cut. */
const STALLED_AFTER_S = 30;
/** Cuts in a row without a new byte until we give up. */
const TRIES = 3;

/**
 * Downloads `url` to `path`, verified against `expected` (SHA-256 in hex).
 * Throws `Unreachable` where the host does not answer, and a `worldFailed` error
 * where it does and the content is not what was published.
 */
export async function download(
  url: string,
  expected: string,
  path: string,
  options: DownloadOptions,
): Promise<void> {
  await mkdir(options.partsDir, { recursive: true });
  const part = join(options.partsDir, `${sha256(`${url} ${expected}`)}.part`);
  let size = await sizeOf(part);
  for (let tries = TRIES; tries > 0; tries--) {
    if (await append(url, part, options)) break;
    const grown = await sizeOf(part);
    if (grown > size) tries = TRIES;
    size = grown;
    if (tries === 1) throw new Unreachable(`${url} was cut ${TRIES} times at byte ${size}`);
  }
  const found = await fileSha256(part);
  if (found !== expected) {
    await rm(part, { force: true });
    throw worldFailed(
      "COMPONENT_CHECKSUM",
      `${url} has SHA-256 ${found}, but ${expected} was published`,
      "the download was thrown away; try again, and if it stays so don't trust that server",
    );
  }
  await mkdir(dirname(path), { recursive: true });
  await rename(part, path);
}

/** Fetches a short text, such as a checksum file. */
export async function fetchText(url: string, options: DownloadOptions): Promise<string> {
  const response = await request(url, {}, options);
  if (!response.ok) throw worldFailed("COMPONENT_DOWNLOAD", `${url} answered ${response.status}`);
  return response.text();
}

/** Adds to the part file what it lacks; false where the connection was cut before the end. */
async function append(url: string, part: string, options: DownloadOptions): Promise<boolean> {
  const have = await sizeOf(part);
  const response = await request(url, have > 0 ? { range: `bytes=${have}-` } : {}, options);
  if (response.status === 416) return await startAgain(part, response);
  if (!response.ok || !response.body)
    throw worldFailed("COMPONENT_DOWNLOAD", `${url} answered ${response.status}`);
  const resumed = response.status === 206 && startsAt(response) === have;
  if (response.status === 206 && !resumed) return await startAgain(part, response);
  const offset = resumed ? have : 0;
  const length = Number(response.headers.get("content-length") ?? Number.NaN);
  const total = Number.isNaN(length) ? undefined : offset + length;
  try {
    await pipeline(
      response.body,
      (chunks: AsyncIterable<Uint8Array>) => watched(chunks, offset, total, options),
      createWriteStream(part, { flags: resumed ? "a" : "w" }),
    );
  } catch (error) {
    options.signal?.throwIfAborted();
    if (hasCode(error, "ENOSPC")) throw error;
    return false;
  }
  return total === undefined || (await sizeOf(part)) === total;
}

/** Nothing of ours can be continued there (it may be whole already, or another file now): begin from nothing. */
async function startAgain(part: string, response: Response): Promise<boolean> {
  await response.body?.cancel();
  await rm(part, { force: true });
  return false;
}

/** Passes chunks on, tells progress, and fails where nothing comes for too long. */
async function* watched(
  chunks: AsyncIterable<Uint8Array>,
  offset: number,
  total: number | undefined,
  options: DownloadOptions,
): AsyncGenerator<Uint8Array> {
  let done = offset;
  const iterator = chunks[Symbol.asyncIterator]();
  while (true) {
    const next = await within(STALLED_AFTER_S, iterator.next());
    if (next.done) return;
    done += next.value.byteLength;
    if (total) options.onProgress?.(done / total);
    yield next.value;
  }
}

/** Asks a host; one that does not begin to answer in time is not asked again in this run. */
async function request(
  url: string,
  headers: Readonly<Record<string, string>>,
  options: DownloadOptions,
): Promise<Response> {
  const { host } = new URL(url);
  if (options.unreachable.has(host)) throw new Unreachable(`${host} did not answer before`);
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), ANSWER_WITHIN_S * 1000);
  try {
    const signals = options.signal ? [stop.signal, options.signal] : [stop.signal];
    // Encodings other than the plain file would make lengths and ranges mean something else.
    return await fetch(url, {
      headers: { "accept-encoding": "identity", ...headers },
      signal: AbortSignal.any(signals),
    });
  } catch (error) {
    options.signal?.throwIfAborted();
    options.unreachable.add(host);
    throw new Unreachable(`${host} did not answer within ${ANSWER_WITHIN_S} s`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

async function within<T>(seconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no data for ${seconds} s`)), seconds * 1000);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function startsAt(response: Response): number {
  return Number(/^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1] ?? Number.NaN);
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return 0;
    throw error;
  }
}
