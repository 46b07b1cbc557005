import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { findingsTable } from "./docs.ts";

it("docs/proof.md lists every finding as the program means it", () => {
  const page = readFileSync(new URL("../../docs/proof.md", import.meta.url), "utf8");
  expect(page).toContain(findingsTable());
});
