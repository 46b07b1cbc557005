import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { objectsIn, readObjects } from "./object-files.ts";

const dir = mkdtempSync(join(tmpdir(), "objects-"));
afterAll(() => rmSync(dir, { recursive: true }));

describe("the objects of files", () => {
  it("are those of all documents and lists, in their order", async () => {
    const one = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n";
    const list = `apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: two}}\n`;
    const three = '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "three"}}';
    const files = [join(dir, "a.yaml"), join(dir, "b.json")];
    writeFileSync(files[0] ?? "", `---\n${one}---\n${list}---\n`);
    writeFileSync(files[1] ?? "", three);
    const names = (await readObjects(files)).map(({ metadata }) => metadata?.name);
    expect(names).toEqual(["one", "two", "three"]);
  });

  it.each([
    ["garbage", "{ this: is: no: yaml", "FEDERATION_FILE_SYNTAX", /app\.yaml is no YAML: .* line 1/],
    ["a tab", "a:\n\t- b", "FEDERATION_FILE_SYNTAX", /app\.yaml is no YAML/],
    ["nothing", "", "FEDERATION_NO_OBJECT", /app\.yaml holds no object/],
    ["only separators", "---\n---\n", "FEDERATION_NO_OBJECT", /app\.yaml holds no object/],
    ["a text", "hello", "FEDERATION_NO_OBJECT", /object 1: .*apiVersion, kind, metadata\.name is missing/],
    ["a number", "7", "FEDERATION_NO_OBJECT", /apiVersion/],
    ["no name", "apiVersion: v1\nkind: ConfigMap", "FEDERATION_NO_OBJECT", /, metadata\.name is missing/],
    [
      "a list with a stranger",
      "kind: List\nitems: [{kind: A}]",
      "FEDERATION_NO_OBJECT",
      /object 1, item 1: .*apiVersion, metadata\.name/,
    ],
  ])("are refused in words where a file holds %s", (_, text, code, words) => {
    let problem: { readonly code: string; readonly message: string } | undefined;
    try {
      objectsIn("app.yaml", text);
    } catch (error) {
      problem = (error as { problems: (typeof problem)[] }).problems[0];
    }
    expect(problem?.code).toBe(code);
    expect(problem?.message).toMatch(words);
  });

  it("are refused in words where there is no file, or a folder", async () => {
    await expect(readObjects([join(dir, "none.yaml")])).rejects.toThrow(/CLI_FILE_MISSING there is no file/);
    await expect(readObjects([dir])).rejects.toThrow(/CLI_FILE_IS_FOLDER/);
  });
});
