/**
 * Each test/golden/compose/NAME.yaml is read as a compose file; NAME.txt beside
 * it is the exact error, or NAME.services.yaml the services it becomes, after
 * what could not be carried over. UPDATE_GOLDEN=1 writes them anew.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { PanopticonError } from "#base/errors.ts";
import { importCompose, isCompose } from "#model/compose/compose.ts";
import { parseService } from "#model/service/parse.ts";

const FOLDER = new URL("compose/", import.meta.url);
const EXAMPLE = new URL("../../examples/services/compose.yaml", import.meta.url);
const names = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".yaml") && !file.endsWith(".services.yaml"))
  .map((file) => file.slice(0, -".yaml".length));

test.each(names)("%s", (name) => {
  const found = outcome(readFileSync(new URL(`${name}.yaml`, FOLDER), "utf8"), `${name}.yaml`);
  expect(found.text).toBe(golden(name, found));
});

test("examples/services/compose.yaml", () => {
  const found = outcome(readFileSync(EXAMPLE, "utf8"), "compose.yaml", "home.example");
  expect(found.text).toBe(golden("example", found));
});

test("those that others depend on come first", () => {
  const { services } = importCompose(readFileSync(EXAMPLE, "utf8"), "compose.yaml", { project: "p" });
  expect(services.map(({ file }) => file.service.name)).toEqual(["db", "web"]);
});

test("what is written means what was read", () => {
  const text = readFileSync(new URL("everything.yaml", FOLDER), "utf8");
  const { services } = importCompose(text, "compose.yaml", { project: "p" });
  expect(services).toHaveLength(3);
  for (const { file, text } of services)
    expect(parseService(text, "written.yaml").service).toEqual(file.service);
});

test("tells compose files from our own", () => {
  expect(isCompose("services:\n  web:\n    image: a:1\n")).toBe(true);
  expect(isCompose("kind: Service\nname: services\n")).toBe(false);
});

test("any text gives services or one error with places", () => {
  const words = ["services:", "web:", "image: a:1", "- b", "<<: *x", "&x", "ports: [80]", "command: '", "${A}", "\n", "  ", "    ", "[", "{"];
  const holds = fc.check(
    fc.property(fc.array(fc.constantFrom(...words), { maxLength: 30 }), (parts) => {
      const error = failureOf(() => importCompose(`services:\n  a:\n    ${parts.join("")}`, "c.yaml", { project: "p" }));
      return error === undefined || (error instanceof PanopticonError && error.problems.every(({ at }) => at !== undefined));
    }),
    { numRuns: 500 },
  );
  expect(holds.counterexample).toBeNull();
});

function failureOf(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}

interface Outcome {
  readonly extension: "txt" | "services.yaml";
  readonly text: string;
}

/** The text that the golden file has; written anew where that is asked for. */
function golden(name: string, { extension, text }: Outcome): string {
  const file = new URL(`${name}.${extension}`, FOLDER);
  const other = new URL(`${name}.${extension === "txt" ? "services.yaml" : "txt"}`, FOLDER);
  if (process.env["UPDATE_GOLDEN"]) {
    writeFileSync(file, text);
    rmSync(other, { force: true });
  }
  expect(existsSync(other), `${name} should not end as .${extension}`).toBe(false);
  return readFileSync(file, "utf8");
}

function outcome(text: string, file: string, domain?: string): Outcome {
  try {
    const options = { project: "Some Project", ...(domain !== undefined && { domain }) };
    const { services, remarks } = importCompose(text, file, options);
    const told = remarks.map(({ at, subject, message }) => `# ${at.line}:${at.column} ${subject}: ${message}\n`);
    return { extension: "services.yaml", text: [...told, ...services.map((one) => one.text)].join("---\n").replaceAll("---\n#", "#") };
  } catch (error) {
    if (!(error instanceof PanopticonError)) throw error;
    return { extension: "txt", text: `${error.message}\n` };
  }
}
