/** The examples' plans, whole: a change to one is seen in review. `UPDATE_GOLDEN=1` renews them. */
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, it } from "vitest";
import { stableJson } from "#base/hash.ts";
import { parseFederation } from "#model/parse.ts";
import { makePlan } from "#plan/make.ts";

const EXAMPLES = join(import.meta.dirname, "../../../examples");
const names = globSync("*.yaml", { cwd: EXAMPLES }).map((file) => basename(file, ".yaml")).sort();

it("covers the examples", () => {
  expect(names).toEqual(expect.arrayContaining(["home", "three-sites", "two-sites"]));
});

it.each(names)("plans %s", async (name) => {
  const path = `examples/${name}.yaml`;
  const plan = await makePlan(parseFederation(readFileSync(join(EXAMPLES, `${name}.yaml`), "utf8"), path));
  const actual = `${stableJson(plan, 2)}\n`;
  const golden = join(import.meta.dirname, `${name}.json`);
  if (process.env["UPDATE_GOLDEN"]) writeFileSync(golden, actual);
  expect(existsSync(golden), `${golden} is missing: run with UPDATE_GOLDEN=1`).toBe(true);
  expect(actual).toBe(readFileSync(golden, "utf8"));
});
