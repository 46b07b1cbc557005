import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runProcess } from "#base/process.ts";
import { objectsIn, readObjects } from "./object-files.ts";

const dir = mkdtempSync(join(tmpdir(), "objects-"));
const SHOP = { namespace: "shop" };
const KUBECTL = await runProcess(["kubectl", "version", "--client"]);
afterAll(() => rmSync(dir, { recursive: true }));

describe("the objects of files", () => {
  it("are those of all documents and lists, in their order", async () => {
    const one = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n";
    const list = `apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: two}}\n`;
    const three = '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "three"}}';
    const files = [join(dir, "a.yaml"), join(dir, "b.json")];
    writeFileSync(files[0] ?? "", `---\n${one}---\n${list}---\n`);
    writeFileSync(files[1] ?? "", three);
    const names = (await readObjects(files, SHOP)).map(({ metadata }) => metadata?.name);
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
    await expect(readObjects([join(dir, "none.yaml")], SHOP)).rejects.toThrow(
      /CLI_FILE_MISSING there is no file/,
    );
    await expect(readObjects([dir], SHOP)).rejects.toThrow(/CLI_FILE_IS_FOLDER/);
  });
});

describe("the objects of a folder", () => {
  const folder = (name: string, files: Readonly<Record<string, string>>): string => {
    mkdirSync(join(dir, name));
    for (const [file, text] of Object.entries(files)) writeFileSync(join(dir, name, file), text);
    return join(dir, name);
  };

  it.skipIf(KUBECTL.code !== 0)("are what the person's own kubectl makes of a kustomization", async () => {
    const path = folder("kustomized", {
      "kustomization.yaml": "namePrefix: home-\nresources: [map.yaml]\n",
      "map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: words}\n",
    });
    const objects = await readObjects([path], SHOP);
    expect(objects).toMatchObject([{ kind: "ConfigMap", metadata: { name: "home-words" } }]);
  });

  it.skipIf(KUBECTL.code !== 0)(
    "are refused in kubectl's own words where it makes nothing of them",
    async () => {
      const path = folder("broken", { "kustomization.yaml": "resources: [gone.yaml]\n" });
      await expect(readObjects([path], SHOP)).rejects.toThrow(/FEDERATION_FOLDER kubectl .*gone\.yaml/);
    },
  );

  it("need the program that renders them", async () => {
    const chart = folder("chart", { "Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n" });
    const path = process.env["PATH"];
    process.env["PATH"] = join(dir, "chart");
    try {
      await expect(readObjects([chart], SHOP)).rejects.toThrow(/FEDERATION_TOOL_MISSING .* needs helm/);
    } finally {
      process.env["PATH"] = path;
    }
  });
});
