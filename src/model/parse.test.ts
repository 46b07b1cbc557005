import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PanopticonError, type Problem } from "#base/errors.ts";
import { parseFederation } from "./parse.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), "utf8");
const EXAMPLES = readdirSync(new URL("examples/", root)).filter((name) => name.endsWith(".yaml"));
const HOME = read("examples/home.yaml");

function problemsOf(text: string): readonly Problem[] {
  try {
    parseFederation(text, "file.yaml");
    return [];
  } catch (error) {
    if (!(error instanceof PanopticonError) || error.exit !== 1) throw error;
    return error.problems;
  }
}

describe("examples", () => {
  test.each(EXAMPLES)("%s is without mistakes and names its schema", (name) => {
    const text = read(`examples/${name}`);
    expect(problemsOf(text)).toEqual([]);
    expect(text.split("\n")[0]).toBe("# yaml-language-server: $schema=./federation.schema.json");
  });

  test("two-sites.yaml has what the README says: 2 ECAMs, 3 control planes and 2 workers a site", () => {
    const { federation } = parseFederation(read("examples/two-sites.yaml"), "two-sites.yaml");
    const counts = federation.sites.map(({ servers, controlplanes }) => ({
      ecams: servers.filter(({ role }) => role === "full").length,
      controlplanes,
      workers: servers.reduce((sum, { workers }) => sum + workers, 0),
    }));
    const site = { ecams: 2, controlplanes: 3, workers: 2 };
    expect(counts).toEqual([site, site]);
  });
});

describe("meaning", () => {
  const federationOf = (text: string) => parseFederation(text, "file.yaml").federation;
  const good = (name: string) => federationOf(read(`test/golden/model/${name}.yaml`));

  test("line ends, a byte order mark and JSON change nothing", () => {
    expect(good("crlf-and-bom")).toEqual(good("defaults"));
    expect(good("same-in-json")).toEqual(good("defaults"));
  });

  test("a site's size goes before the federation's, and that before the default, key by key", () => {
    const sizes = good("every-key").sites[0]?.sizes;
    expect(sizes?.ecam).toEqual({ cpus: 2, memoryMiB: 1024, diskGiB: 4 });
    expect(sizes?.controlplane).toEqual({ cpus: 2, memoryMiB: 3072, diskGiB: 20 });
    expect(sizes?.worker).toEqual({ cpus: 2, memoryMiB: 4096, diskGiB: 64 });
  });

  test("the source says where each part stands", () => {
    const { source } = parseFederation(HOME, "home.yaml");
    const lines = HOME.split("\n");
    for (const [path, text] of [
      ["sites[0].network.lan", "10.11.0.0/24"],
      ["sites[0].network.reserved[0]", "10.11.0.20"],
      ["sites[0].servers[1].name", "right"],
      ["sites[0].servers[1].disks[0].size", "500GB"],
    ] as const) {
      const at = source.get(path);
      expect(at?.file).toBe("home.yaml");
      expect(lines[(at?.line ?? 0) - 1]?.slice((at?.column ?? 0) - 1)).toMatch(new RegExp(`^${text}`));
    }
  });
});

describe("mistakes", () => {
  test("stand in the file's order, with place, subject and hint", () => {
    const problems = problemsOf(read("test/golden/model/many-at-once.yaml"));
    const places = problems.map(({ at }) => (at?.line ?? 0) * 1000 + (at?.column ?? 0));
    expect(problems.length).toBeGreaterThan(5);
    expect(places).toEqual(places.toSorted((left, right) => left - right));
    for (const { hint, subject } of problems) expect([hint, subject]).not.toContain(undefined);
  });

  test("a mistyped key is told once, and not as a missing one too", () => {
    expect(problemsOf(HOME.replace("crown:", "crwon:")).map(({ code }) => code)).toEqual([
      "MODEL_UNKNOWN_KEY",
    ]);
  });

  test("what was refused leads to no further mistakes", () => {
    const text = HOME.replaceAll("memory: 32GiB", "memory: 32").replace("name: flat", "name: no");
    const codes = ["MODEL_YAML_AMBIGUOUS", "MODEL_WRONG_TYPE", "MODEL_WRONG_TYPE"];
    expect(problemsOf(text).map(({ code }) => code)).toEqual(codes);
  });

  test("a number too large to count with is refused", () => {
    const text = HOME.replace("cpus: 8", "cpus: 99999999999999999999");
    expect(problemsOf(text).map(({ code }) => code)).toEqual(["MODEL_OUT_OF_RANGE"]);
  });

  test("inherited names of JavaScript objects are ordinary unknown keys", () => {
    const keys = ["__proto__", "constructor", "toString"];
    const text = `${HOME}${keys.map((key) => `${key}: { cpus: 1 }\n`).join("")}`;
    expect(problemsOf(text).map(({ code }) => code)).toEqual(keys.map(() => "MODEL_UNKNOWN_KEY"));
  });

  test("a file over 1 MiB is not read", () => {
    expect(problemsOf(`${HOME}#${"é".repeat(2 ** 19)}`).map(({ code }) => code)).toEqual([
      "MODEL_FILE_TOO_LARGE",
    ]);
  });

  test("what nobody would read to its end is counted", () => {
    const problems = problemsOf(
      `${HOME}${Array.from({ length: 150 }, (_, key) => `key-${key}: 1\n`).join("")}`,
    );
    expect(problems).toHaveLength(101);
    expect(problems.at(-1)).toMatchObject({
      code: "MODEL_TOO_MANY",
      message: "50 more mistakes are not shown",
    });
  });
});

describe("whatever the text", () => {
  /** Reads the text, and gives the problems that do not stand in it; throws what is no PanopticonError. */
  function misplaced(text: string): readonly Problem[] {
    const lines = text.split("\n");
    return problemsOf(text).filter(({ code, at }) => {
      const line = lines[(at?.line ?? 0) - 1];
      const isIn = line !== undefined && at !== undefined && at.column >= 1 && at.column <= line.length + 1;
      return !isIn && code !== "MODEL_TOO_MANY";
    });
  }

  test("garbage is told, never thrown", () => {
    const pieces = fc.constantFrom(
      ...Array.from("{}[]:,-?&*!|>'\"%@`#~\n\t\r \u0000\u0085\ud800\ufeff"),
      "---\n",
      "a: ",
      "<<: ",
      "\n  ",
      "- ",
    );
    const garbage = fc.oneof(
      fc.string({ unit: "binary", maxLength: 200 }),
      fc.array(pieces).map((all) => all.join("")),
    );
    fc.assert(
      fc.property(garbage, (text) => {
        expect(misplaced(text)).toEqual([]);
      }),
      { numRuns: 800 },
    );
  });

  test("a file with random damage is read or told, never thrown", () => {
    const texts = EXAMPLES.map((name) => read(`examples/${name}`));
    const junk = fc.constantFrom(
      "",
      " ",
      "\n",
      "\t",
      ":",
      "- ",
      "[",
      "{",
      "}",
      '"',
      "*a",
      "&a ",
      "0",
      "010",
      "no",
      "~",
      "!!int ",
      "é",
      "99999999999",
      "/33",
    );
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat(12), junk), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom(...texts), edits, (text, damage) => {
        const damaged = damage.reduce((before, [where, length, piece]) => {
          const start = where % (before.length + 1);
          return before.slice(0, start) + piece + before.slice(start + length);
        }, text);
        expect(misplaced(damaged)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test("a file whose values are of any kind is read or told, never thrown", () => {
    const example = parseFederationInput(read("test/golden/model/same-in-json.yaml"));
    const paths = pathsOf(example);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...paths), fc.jsonValue({ maxDepth: 2 })), {
          minLength: 1,
          maxLength: 3,
        }),
        (edits) => {
          const copy = structuredClone(example);
          for (const [path, value] of edits) setAt(copy, path, value);
          expect(misplaced(JSON.stringify(copy, undefined, 1))).toEqual([]);
        },
      ),
      { numRuns: 200 },
    );
  });
});

type Json = { [key: string]: Json } | Json[] | string | number | boolean | null;

function parseFederationInput(text: string): Json {
  return JSON.parse(text) as Json;
}

function pathsOf(value: Json): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [[]];
  return [[], ...Object.entries(value).flatMap(([key, part]) => pathsOf(part).map((path) => [key, ...path]))];
}

/** Sets a value where its path still leads somewhere. */
function setAt(root: Json, path: readonly string[], value: unknown): void {
  const parent = path
    .slice(0, -1)
    .reduce<unknown>((part, key) => (part as Record<string, unknown> | null | undefined)?.[key], root);
  const key = path.at(-1);
  if (key !== undefined && typeof parent === "object" && parent !== null)
    (parent as Record<string, unknown>)[key] = value;
}
