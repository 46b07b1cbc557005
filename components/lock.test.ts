import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { isAlive, processStart, withLock } from "./lock.ts";

async function lockPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "lock-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return join(folder, "x.lock");
}

test("one holder at a time, and the lock is gone afterwards", async () => {
  const path = await lockPath();
  let inside = 0;
  let most = 0;
  const work = () =>
    withLock(path, {}, async () => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inside--;
    });
  await Promise.all([work(), work(), work(), work()]);
  expect(most).toBe(1);
  expect(await readdir(join(path, ".."))).toEqual([]);
});

test("is released when the work fails", async () => {
  const path = await lockPath();
  await expect(withLock(path, {}, () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  expect(await withLock(path, {}, () => Promise.resolve("again"))).toBe("again");
});

test("a dead holder's lock is taken over", async () => {
  const path = await lockPath();
  // Our own id with another start time: a process that had this id before us.
  await writeFile(path, JSON.stringify({ pid: process.pid, started: "1", nonce: "dead" }));
  expect(await withLock(path, {}, () => Promise.resolve("taken"))).toBe("taken");
});

test("a torn lock file does not block for ever", async () => {
  const path = await lockPath();
  await writeFile(path, '{"pid": 1');
  expect(await withLock(path, {}, () => Promise.resolve("taken"))).toBe("taken");
});

test("who waits is told for whom, and can give up", async () => {
  const path = await lockPath();
  const stop = new AbortController();
  const waitedFor: number[] = [];
  await withLock(path, {}, async () => {
    const waiting = withLock(
      path,
      {
        signal: stop.signal,
        onWait: (pid) => {
          waitedFor.push(pid);
          stop.abort();
        },
      },
      () => Promise.resolve("never"),
    );
    await expect(waiting).rejects.toThrow(/abort/i);
  });
  expect(waitedFor).toEqual([process.pid]);
});

test("a process is known by id and start", async () => {
  const started = (await processStart(process.pid)) ?? "";
  expect(await isAlive({ pid: process.pid, started })).toBe(true);
  expect(await isAlive({ pid: process.pid, started: "0" })).toBe(false);
  expect(await processStart(2 ** 22 + 1)).toBeUndefined();
});
