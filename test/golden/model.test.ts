/**
 * Each test/golden/model/NAME.yaml is read; NAME.txt beside it is the exact
 * error, or NAME.json the federation it means. UPDATE_GOLDEN=1 writes them anew.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { PanopticonError } from "#base/errors.ts";
import { MODEL_CODES } from "#model/mistakes.ts";
import { parseFederation } from "#model/parse.ts";

const FOLDER = new URL("model/", import.meta.url);
const names = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".yaml"))
  .map((file) => file.slice(0, -".yaml".length));

test.each(names)("%s", (name) => {
  const { kind, text } = outcome(name);
  const other = kind === "txt" ? "json" : "txt";
  if (process.env["UPDATE_GOLDEN"]) {
    writeFileSync(fileOf(name, kind), text);
    rmSync(fileOf(name, other), { force: true });
  }
  expect(existsSync(fileOf(name, other)), `${name} should not end as .${kind}`).toBe(false);
  expect(text).toBe(readFileSync(fileOf(name, kind), "utf8"));
});

test("each kind of mistake has an example", () => {
  const folders = ["service/", "compose/"].map((folder) => new URL(folder, import.meta.url));
  const errors = [
    ...names.map((name) => fileOf(name, "txt")).filter((file) => existsSync(file)),
    ...folders.flatMap((folder) =>
      readdirSync(folder)
        .filter((file) => file.endsWith(".txt"))
        .map((file) => new URL(file, folder)),
    ),
  ];
  const shown = errors.map((file) => readFileSync(file, "utf8")).join("\n");
  // These two need files too large to keep; parse.test.ts makes them.
  const made = ["MODEL_FILE_TOO_LARGE", "MODEL_TOO_MANY"];
  const missing = Object.keys(MODEL_CODES).filter((code) => !shown.includes(`: ${code} `));
  expect(missing.toSorted()).toEqual(made);
});

function outcome(name: string): { kind: "txt" | "json"; text: string } {
  try {
    const { federation } = parseFederation(readFileSync(fileOf(name, "yaml"), "utf8"), `${name}.yaml`);
    return { kind: "json", text: `${JSON.stringify(federation, undefined, 2)}\n` };
  } catch (error) {
    if (!(error instanceof PanopticonError)) throw error;
    return { kind: "txt", text: `${error.message}\n` };
  }
}

function fileOf(name: string, extension: string): URL {
  return new URL(`${name}.${extension}`, FOLDER);
}
