import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const PREFIXES =
  "CLI|ADOPT|APPLY|SERVER|USB|MACHINE|DRILL|PLAN|PROOF|RENDER|COMPONENT|HOST|LAB|XEN|CONVERGE|PKI|SSH|KUBE|KUBECONFIG|FEDERATION|CONTROL|SERVICE|NAMES|WATCHDOG|CERTIFICATE";

/** Every file of the program with its text; tests are left out. */
const sources = globSync(["{src,components}/**/*.ts", "panopticon"], { cwd: ROOT })
  .filter((file) => !file.endsWith(".test.ts"))
  .map((file) => ({ file, text: readFileSync(join(ROOT, file), "utf8") }));

function codesIn(pattern: RegExp): readonly string[] {
  const found = sources.flatMap(({ text }) => [...text.matchAll(pattern)].map((match) => match[1] ?? ""));
  return [...new Set(found)].toSorted();
}

test("docs/errors.md explains every code the program can give, and no other", () => {
  const page = readFileSync(join(ROOT, "docs/errors.md"), "utf8");
  const explained = [...page.matchAll(/^\| `([A-Z_]+)` \| [^|]{10,}\. \|$/gm)].map((match) => match[1] ?? "");
  expect(new Set(explained).size).toBe(explained.length);
  const given = codesIn(new RegExp(`["\`]((?:${PREFIXES})_[A-Z_]+)\\b`, "g"));
  expect(given.length).toBeGreaterThan(50);
  expect({
    unexplained: given.filter((code) => !explained.includes(code)),
    unknown: explained.filter((code) => !given.includes(code)),
  }).toEqual({ unexplained: [], unknown: [] });
});

test("every code says by its beginning which room gives it", () => {
  const known = new RegExp(`^(?:${PREFIXES}|MODEL)_`);
  const given = codesIn(/(?:worldFailed\(|wrongUse\(|\bcode: )\s*"([A-Z_]+)"/g);
  expect(given.length).toBeGreaterThan(50);
  expect(given.filter((code) => !known.test(code))).toEqual([]);
});
