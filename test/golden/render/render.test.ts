/**
 * The rendered trees, word for word. `UPDATE_GOLDEN=1` writes them anew: read
 * the difference before you commit it. INDEX lists every file with its mode.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { type Tree, exampleTree } from "./trees.ts";

const HERE = import.meta.dirname;

describe.each([
  ["two-sites", "lab"],
  ["home", "xen"],
])("%s on %s", (example, platform) => {
  const folder = join(HERE, `${example}-${platform}`);

  it("renders the stored tree, no file more and none less", async () => {
    const tree = await exampleTree(example, platform);
    if (process.env["UPDATE_GOLDEN"]) store(folder, tree);
    const wanted = { ...contents(tree), INDEX: index(tree) };
    expect(listing(folder)).toEqual(Object.keys(wanted).toSorted());
    for (const [path, content] of Object.entries(wanted))
      expect(`${path}\n${readFileSync(join(folder, path), "utf8")}`).toBe(`${path}\n${content}`);
  });
});

function contents(tree: Tree): Record<string, string> {
  return Object.fromEntries(Object.entries(tree).map(([path, file]) => [path, file.content]));
}

function index(tree: Tree): string {
  const lines = Object.entries(tree).map(([path, file]) => `${file.mode.toString(8)} ${path}`);
  return `${lines.join("\n")}\n`;
}

function store(folder: string, tree: Tree): void {
  rmSync(folder, { recursive: true, force: true });
  for (const [path, content] of Object.entries({ ...contents(tree), INDEX: index(tree) })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

function listing(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .toSorted();
}
