/**
 * Each test/golden/service/NAME.yaml is read as a service file; NAME.txt beside
 * it is the exact error, or NAME.objects.yaml what it becomes at the sites.
 * UPDATE_GOLDEN=1 writes them anew.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { PanopticonError } from "#base/errors.ts";
import { parseService } from "#model/service/parse.ts";
import { serviceObjects } from "#render/service/objects.ts";

const FOLDER = new URL("service/", import.meta.url);
const EXAMPLES = new URL("../../examples/services/", import.meta.url);
const names = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".yaml") && !file.endsWith(".objects.yaml"))
  .map((file) => file.slice(0, -".yaml".length));

test.each(names)("%s", (name) => {
  const text = readFileSync(new URL(`${name}.yaml`, FOLDER), "utf8");
  const found = outcome(text, `${name}.yaml`);
  expect(found.text).toBe(golden(name, found));
});

test.each(["echo", "hello", "notes"])("examples/services/%s.yaml", (name) => {
  const text = readFileSync(new URL(`${name}.yaml`, EXAMPLES), "utf8");
  const found = outcome(text, `${name}.yaml`);
  expect(found.text).toBe(golden(`example-${name}`, found));
});

interface Outcome {
  readonly extension: "txt" | "objects.yaml";
  readonly text: string;
}

/** The text that the golden file has; written anew where that is asked for. */
function golden(name: string, { extension, text }: Outcome): string {
  const file = new URL(`${name}.${extension}`, FOLDER);
  const other = new URL(`${name}.${extension === "txt" ? "objects.yaml" : "txt"}`, FOLDER);
  if (process.env["UPDATE_GOLDEN"]) {
    writeFileSync(file, text);
    rmSync(other, { force: true });
  }
  expect(existsSync(other), `${name} should not end as .${extension}`).toBe(false);
  return readFileSync(file, "utf8");
}

function outcome(text: string, file: string): Outcome {
  try {
    const { objects, preference } = serviceObjects(parseService(text, file).service);
    const all = [...objects, ...(preference ? [preference] : [])];
    const options = { aliasDuplicateObjects: false, lineWidth: 100 };
    return { extension: "objects.yaml", text: all.map((one) => stringify(one, options)).join("---\n") };
  } catch (error) {
    if (!(error instanceof PanopticonError)) throw error;
    return { extension: "txt", text: `${error.message}\n` };
  }
}
