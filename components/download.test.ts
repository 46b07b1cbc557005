import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { sha256 } from "#base/hash.ts";
import { download, type DownloadOptions, Unreachable } from "./download.ts";

const CONTENT = Buffer.alloc(300_000, "panopticon ");
const GOOD = sha256(CONTENT);

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`;
}

async function setUp(): Promise<{ path: string; options: DownloadOptions; fractions: number[] }> {
  const folder = await mkdtemp(join(tmpdir(), "download-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const fractions: number[] = [];
  const onProgress = (fraction: number) => void fractions.push(fraction);
  const options = { partsDir: join(folder, "parts"), unreachable: new Set<string>(), onProgress };
  return { path: join(folder, "out", "file"), options, fractions };
}

/** Answers ranges as servers do. */
function answer(request: IncomingMessage, response: ServerResponse, cutAfter = CONTENT.length): void {
  const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (start >= CONTENT.length) return void response.writeHead(416).end();
  response.writeHead(request.headers.range ? 206 : 200, {
    "content-length": CONTENT.length - start,
    ...(request.headers.range && {
      "content-range": `bytes ${start}-${CONTENT.length - 1}/${CONTENT.length}`,
    }),
  });
  const piece = CONTENT.subarray(start, start + cutAfter);
  if (start + piece.length === CONTENT.length) response.end(piece);
  else response.write(piece, () => setTimeout(() => response.destroy(), 20));
}

test("arrives whole, with progress, and leaves no part", async () => {
  const { path, options, fractions } = await setUp();
  await download(await serve((request, response) => answer(request, response)), GOOD, path, options);
  expect(sha256(await readFile(path))).toBe(GOOD);
  expect(fractions.at(-1)).toBe(1);
  expect(await readdir(options.partsDir)).toEqual([]);
});

test("goes on where it was cut", async () => {
  const { path, options } = await setUp();
  const ranges: (string | undefined)[] = [];
  const url = await serve((request, response) => {
    ranges.push(request.headers.range);
    answer(request, response, 100_000);
  });
  await download(url, GOOD, path, options);
  expect(sha256(await readFile(path))).toBe(GOOD);
  expect(ranges).toEqual([undefined, "bytes=100000-", "bytes=200000-"]);
});

test("a run that was ended is continued by the next", async () => {
  const { path, options } = await setUp();
  let healthy = false;
  const ranges: (string | undefined)[] = [];
  const url = await serve((request, response) => {
    ranges.push(request.headers.range);
    if (healthy) answer(request, response);
    else if (request.headers.range) response.destroy();
    else answer(request, response, 100_000);
  });
  await expect(download(url, GOOD, path, options)).rejects.toThrow(Unreachable);
  healthy = true;
  await download(url, GOOD, path, { ...options, unreachable: new Set() });
  expect(ranges.at(-1)).toBe("bytes=100000-");
  expect(sha256(await readFile(path))).toBe(GOOD);
});

test("a server that knows no ranges sends all of it again", async () => {
  const { path, options } = await setUp();
  let requests = 0;
  const url = await serve((request, response) => {
    const cut = requests++ === 0;
    delete request.headers.range;
    answer(request, response, cut ? 100_000 : CONTENT.length);
  });
  await download(url, GOOD, path, options);
  expect(sha256(await readFile(path))).toBe(GOOD);
});

test("a wrong checksum is refused and thrown away", async () => {
  const { path, options } = await setUp();
  const url = await serve((request, response) => answer(request, response));
  await expect(download(url, "0".repeat(64), path, options)).rejects.toThrow(/COMPONENT_CHECKSUM/);
  expect(await readdir(options.partsDir)).toEqual([]);
});

test("a shorter file than was announced is never taken", async () => {
  const { path, options } = await setUp();
  const url = await serve((_, response) => {
    response.writeHead(200, { "content-length": CONTENT.length + 10 });
    response.write(CONTENT, () => setTimeout(() => response.destroy(), 20));
  });
  await expect(download(url, GOOD, path, options)).rejects.toThrow(Unreachable);
});

test("a refusal by the server is an error that says so", async () => {
  const { path, options } = await setUp();
  const url = await serve((_, response) => void response.writeHead(404).end());
  await expect(download(url, GOOD, path, options)).rejects.toThrow(/COMPONENT_DOWNLOAD .* answered 404/);
});

test("a host that does not answer is asked once in a run", async () => {
  const { path, options } = await setUp();
  const url = "http://127.0.0.1:1/file"; // nothing listens on port 1
  await expect(download(url, GOOD, path, options)).rejects.toThrow(Unreachable);
  expect([...options.unreachable]).toEqual(["127.0.0.1:1"]);
  await expect(download(url, GOOD, path, options)).rejects.toThrow(/did not answer before/);
});
