import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import {
  defaultCacheDir,
  ensureEntry,
  findEntry,
  keyOf,
  lastEntry,
  removeLeftovers,
  type Wanted,
} from "./store.ts";

async function newCache(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "store-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

function wanted(recipe: unknown, make?: Wanted["make"]): Wanted & { made: number } {
  const self = {
    name: "thing",
    version: "1",
    recipe,
    made: 0,
    make: async (folders: { out: string; scratch: string }) => {
      self.made++;
      await writeFile(join(folders.out, "content"), JSON.stringify(recipe));
      return (await make?.(folders)) ?? "here";
    },
  };
  return self;
}

test("is made once and found afterwards", async () => {
  const cache = await newCache();
  const thing = wanted({ flags: ["a"] });
  const first = await ensureEntry(cache, thing);
  expect(await ensureEntry(cache, thing)).toEqual(first);
  expect(thing.made).toBe(1);
  expect(await readFile(join(first.out, "content"), "utf8")).toBe('{"flags":["a"]}');
  expect(first.meta).toMatchObject({ name: "thing", version: "1", source: "here" });
});

test("another recipe is another entry; the index names the last", async () => {
  const cache = await newCache();
  const first = await ensureEntry(cache, wanted("first"));
  const second = await ensureEntry(cache, wanted("second"));
  expect(first.key).not.toBe(second.key);
  expect((await lastEntry(cache, "thing"))?.key).toBe(second.key);
  expect(await findEntry(cache, first.key)).toEqual(first);
});

test("keys don't depend on the order of a recipe's fields", () => {
  expect(keyOf("x", "1", { a: 1, b: 2 })).toBe(keyOf("x", "1", { b: 2, a: 1 }));
});

test("two at once make it once", async () => {
  const cache = await newCache();
  const thing = wanted("same", () => new Promise((resolve) => setTimeout(() => resolve("slow"), 20)));
  const [one, other] = await Promise.all([ensureEntry(cache, thing), ensureEntry(cache, thing)]);
  expect(one).toEqual(other);
  expect(thing.made).toBe(1);
});

test("a failure leaves nothing, and the next try works", async () => {
  const cache = await newCache();
  const broken = wanted("x", () => Promise.reject(new Error("cut")));
  await expect(ensureEntry(cache, broken)).rejects.toThrow("cut");
  expect(await lastEntry(cache, "thing")).toBeUndefined();
  expect(await readdir(join(cache, "tmp"))).toEqual([]);
  await ensureEntry(cache, wanted("x"));
});

test("killed in the middle: nothing half made is ever seen, and the next run makes it", async () => {
  const cache = await newCache();
  const half = join(cache, "half.ts");
  await writeFile(
    half,
    `import { ensureEntry } from ${JSON.stringify(join(import.meta.dirname, "store.ts"))};
     import { writeFile } from "node:fs/promises";
     await ensureEntry(${JSON.stringify(cache)}, { name: "thing", version: "1", recipe: "x", make: async ({ out }) => {
       await writeFile(out + "/content", "half");
       console.log("half made");
       await new Promise((resolve) => setTimeout(resolve, 60_000));
       return "never";
     } });`,
  );
  const child = spawn(process.execPath, [half], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(await lastEntry(cache, "thing")).toBeUndefined();

  const thing = wanted("x");
  const entry = await ensureEntry(cache, thing); // its lock is still there, its owner is not
  expect(thing.made).toBe(1);
  expect(await readFile(join(entry.out, "content"), "utf8")).toBe('"x"');

  expect(await readdir(join(cache, "tmp"))).toHaveLength(1);
  await removeLeftovers(cache);
  expect(await readdir(join(cache, "tmp"))).toEqual([]);
});

test("live work is no leftover", async () => {
  const cache = await newCache();
  const beside = wanted("x", async ({ scratch }) => {
    await removeLeftovers(cache);
    await writeFile(join(scratch, "still"), "there");
    return "whole";
  });
  expect((await ensureEntry(cache, beside)).meta.source).toBe("whole");
});

test("the cache is where XDG says", () => {
  expect(defaultCacheDir({ XDG_CACHE_HOME: "/var/tmp/c" })).toBe("/var/tmp/c/panopticon");
  expect(defaultCacheDir({ XDG_CACHE_HOME: "relative" })).toMatch(/\/\.cache\/panopticon$/);
});
