import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import * as formats from "./formats.ts";
import { fileFormatMarkdown } from "./docs.ts";
import { federationJsonSchema, type JsonSchema, schemaAt } from "./schema.ts";
import { serviceJsonSchema } from "./service/shape.ts";

const root = new URL("../../", import.meta.url);
const committed = (path: string) => readFileSync(new URL(path, root), "utf8");

const FORMATS = Object.values(formats).filter((value): value is formats.Format => typeof value === "object");

if (process.env["UPDATE_GOLDEN"]) {
  const schema = `${JSON.stringify(federationJsonSchema(), undefined, 2)}\n`;
  writeFileSync(new URL("examples/federation.schema.json", root), schema);
  writeFileSync(new URL("docs/file-format.md", root), fileFormatMarkdown());
  const service = `${JSON.stringify(serviceJsonSchema(), undefined, 2)}\n`;
  writeFileSync(new URL("examples/service.schema.json", root), service);
  // The formatter lays JSON out in its own way, and is asked about it by the tests.
  execFileSync("biome", ["format", "--write", "examples"], { cwd: root });
}

test("the schemas beside the examples are those that the code makes", () => {
  expect(JSON.parse(committed("examples/federation.schema.json"))).toEqual(federationJsonSchema());
  expect(JSON.parse(committed("examples/service.schema.json"))).toEqual(serviceJsonSchema());
});

test("the reference is the one that the code makes", () => {
  expect(committed("docs/file-format.md")).toBe(fileFormatMarkdown());
});

test("every key says what it is for, and every text gives an example", () => {
  const bare: string[] = [];
  const visit = (schema: JsonSchema, path: string) => {
    if (path !== "" && !schema.description) bare.push(path);
    const needsExample =
      schema.type === "string" && !schema.enum && !schema.const && schema.default === undefined;
    if (needsExample && !schema.examples) bare.push(`${path} (example)`);
    for (const [key, part] of Object.entries(schema.properties ?? {})) visit(part, `${path}.${key}`);
    for (const part of [schema.items, ...(schema.anyOf ?? [])])
      if (part?.properties) visit(part, `${path}[]`);
  };
  visit(federationJsonSchema(), "");
  visit(serviceJsonSchema(), "");
  expect(bare).toEqual([]);
});

test("finds what belongs at a path, and nothing where nothing does", () => {
  expect(schemaAt(["sites", 0, "network", "external", 1])?.type).toBe("string");
  expect(schemaAt(["sites", 0, "servers", 3, "memory"])?.examples).toEqual(["64GiB"]);
  expect(schemaAt(["sites", "name"])).toBeUndefined();
  expect(schemaAt(["toString"])).toBeUndefined();
});

test("formats accept their own examples", () => {
  expect(FORMATS.length).toBeGreaterThanOrEqual(9);
  for (const { examples, fault } of FORMATS)
    for (const example of examples) expect(fault(example)).toBeUndefined();
});

test("an editor never refuses a text that the program takes", () => {
  const texts = fc.oneof(
    fc.ipV4(),
    fc.tuple(fc.ipV4(), fc.nat(40)).map(([address, prefix]) => `${address}/${prefix}`),
    fc.tuple(fc.ipV4(), fc.ipV4()).map((range) => range.join("-")),
    fc
      .tuple(fc.nat(2000), fc.constantFrom("MiB", "GiB", "TB", " GB", "G", "mib"))
      .map((size) => size.join("")),
    fc.stringMatching(/^[a-z0-9.-]{1,24}$/),
    fc.stringMatching(/^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/),
    fc.stringMatching(/^[0-9]{1,3}(\.[0-9]{1,3})?%$/),
    fc.string(),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const refused = FORMATS.filter(
        ({ pattern, fault }) => fault(text) === undefined && !new RegExp(pattern).test(text),
      );
      expect(refused).toEqual([]);
    }),
    { numRuns: 2000 },
  );
});
