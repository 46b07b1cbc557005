/** What a real API server can't be made to do at will: each form of refusal, at each place. */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import type { Kube } from "#ports/kube.ts";
import { openKube } from "./client.ts";

const THINGS = { resource: { group: "example.org", version: "v1", plural: "things" } };
const EXPIRED = { kind: "Status", code: 410, reason: "Expired", message: "too old" };
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean();
});

/** A server that lists one object at version 5 and answers watches as told. */
async function serve(
  watch: (response: ServerResponse, count: number) => void,
  seen: string[],
  admit: (request: IncomingMessage) => boolean = () => true,
): Promise<string> {
  let count = 0;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://x");
    const isWatch = url.searchParams.has("watch");
    const limit = url.searchParams.get("limit");
    seen.push(
      isWatch ? `watch ${url.searchParams.get("resourceVersion")}` : `list${limit === "1" ? " 1" : ""}`,
    );
    if (!admit(request)) response.writeHead(401).end();
    else if (isWatch) watch(response, (count += 1));
    else response.end(JSON.stringify({ items: [], metadata: { resourceVersion: "5" } }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}

function follow(kube: Kube): {
  readonly replaced: () => number;
  readonly troubles: string[];
  readonly progress: string[];
} {
  const stop = new AbortController();
  const progress: string[] = [];
  let replaced = 0;
  const troubles: string[] = [];
  const done = kube.listAndWatch(
    THINGS,
    {
      replace: () => void (replaced += 1),
      change: () => undefined,
      progress: (revision) => void progress.push(revision),
      trouble: ({ code }) => void troubles.push(code),
    },
    { signal: stop.signal },
  );
  cleanups.unshift(async () => {
    stop.abort();
    await done;
    await kube.close();
  });
  return { replaced: () => replaced, troubles, progress };
}

const FORMS: readonly (readonly [string, (response: ServerResponse) => void])[] = [
  ["an HTTP status", (response) => response.writeHead(410).end(JSON.stringify(EXPIRED))],
  ["an event", (response) => response.end(`${JSON.stringify({ type: "ERROR", object: EXPIRED })}\n`)],
];

it.each(FORMS)("a 410 as %s makes a new list, at once and once", async (_, expire) => {
  const seen: string[] = [];
  const server = await serve((response, count) => {
    if (count === 1) expire(response);
    else response.writeHead(200).flushHeaders();
  }, seen);
  const { replaced, troubles } = follow(openKube({ server }));
  await sleep(500);
  expect(seen).toEqual(["list", "watch 5", "list", "watch 5"]);
  expect([replaced(), troubles]).toEqual([2, []]);
});

it.each(FORMS)("a 410 as %s again and again is asked ever more slowly", async (_, expire) => {
  const seen: string[] = [];
  follow(openKube({ server: await serve(expire, seen) }));
  await sleep(2000);
  expect(seen.length).toBeGreaterThan(4);
  expect(seen.length).toBeLessThan(16);
});

it("a watch that ends at once, again and again, is asked ever more slowly", async () => {
  const seen: string[] = [];
  follow(openKube({ server: await serve((response) => response.end(), seen) }));
  await sleep(2000);
  expect(seen.filter((line) => line.startsWith("watch")).length).toBeLessThan(9);
});

it("goes on after the last bookmark, having seen that the server has not gone back", async () => {
  const seen: string[] = [];
  const bookmark = { type: "BOOKMARK", object: { metadata: { resourceVersion: "4" } } };
  const server = await serve((response, count) => {
    if (count === 1) response.end(`${JSON.stringify(bookmark)}\n`);
    else response.writeHead(200).flushHeaders();
  }, seen);
  const { progress } = follow(openKube({ server }));
  await sleep(500);
  expect(seen).toEqual(["list", "watch 5", "list 1", "watch 4"]);
  expect(progress).toEqual(["4"]);
});

it("shows a renewed token at once where the old one is refused", async () => {
  const dir = mkdtempSync(join(tmpdir(), "token-"));
  cleanups.push(() => rmSync(dir, { recursive: true }));
  const file = join(dir, "token");
  writeFileSync(file, "old\n");
  const shown: string[] = [];
  const admit = ({ headers }: IncomingMessage): boolean => {
    shown.push(headers.authorization ?? "");
    if (shown.length === 2) writeFileSync(file, "renewed\n");
    return shown.length !== 2;
  };
  const kube = openKube({ server: await serve(() => undefined, [], admit), token: { file } });
  cleanups.unshift(() => kube.close());
  await kube.list(THINGS);
  await kube.list(THINGS);
  expect(shown).toEqual(["Bearer old", "Bearer old", "Bearer renewed"]);
});
