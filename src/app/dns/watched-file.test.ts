import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { parseHosts } from "./config.ts";
import { WatchedFile } from "./watched-file.ts";

async function place() {
  const folder = await mkdtemp(join(tmpdir(), "watched-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "hosts.json");
  const notes: string[] = [];
  const parse = (text: string): readonly string[] => parseHosts(text, path);
  const write = async (text: string): Promise<void> => {
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  };
  return { path, notes, write, options: { path, parse, note: (what: string) => notes.push(what) } };
}

it("a file is read when it changes, and what was read last holds where it is spoilt or gone", async () => {
  const { path, notes, write, options } = await place();
  const file = new WatchedFile(options);
  expect([await file.look(), file.value]).toEqual([false, undefined]);
  await write('{"hosts":["app.home.test"]}');
  expect([await file.look(), file.value]).toEqual([true, ["app.home.test"]]);
  expect(await file.look()).toBe(false);
  await write('{"hosts":["App.home.test"]}');
  expect([await file.look(), await file.look(), file.value]).toEqual([false, false, ["app.home.test"]]);
  expect(notes).toHaveLength(1);
  expect(notes[0]).toContain("NAMES_CONFIG");
  await rm(path);
  expect([await file.look(), file.value]).toEqual([false, ["app.home.test"]]);
  await write('{"hosts":[]}');
  expect([await file.look(), file.value]).toEqual([true, []]);
});

it("a file whose absence means something says so when it goes", async () => {
  const { path, write, options } = await place();
  const file = new WatchedFile({ ...options, absent: [] });
  expect([await file.look(), file.value]).toEqual([false, []]);
  await write('{"hosts":["app.home.test"]}');
  expect(await file.look()).toBe(true);
  await rm(path);
  expect([await file.look(), file.value]).toEqual([true, []]);
});
