import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { prove } from "#failure/prove.ts";
import { parseFederation } from "#model/parse.ts";
import { makePlan } from "#plan/make.ts";
import { html, join } from "./html.ts";
import { proofPage } from "./proof.ts";

it("inserted text is escaped, markup is not", () => {
  const inner = html`<b>${`<script>"&'`}</b>`;
  expect(html`<p title="${'"'}">${inner}${join([inner])}</p>`.markup).toBe(
    `<p title="&#34;">${inner.markup}${inner.markup}</p>`,
  );
  expect(inner.markup).toBe("<b>&#60;script&#62;&#34;&#38;&#39;</b>");
});

it("a proof's page shows every component, promise, finding and goal, and loads nothing", async () => {
  const text = readFileSync(new URL("../../../examples/three-sites.yaml", import.meta.url), "utf8");
  const file = parseFederation(text, "three-sites.yaml");
  const plan = await makePlan(file);
  const proof = prove(file.federation, plan, { order: 2, without: [] });
  const page = proofPage(file.federation, plan, proof);
  const shown = [...page.matchAll(/data-component="([^"]+)"/g)].map(([, id]) => id);
  expect(shown).toHaveLength(proof.components.length);
  expect(new Set(shown)).toEqual(new Set(proof.components.map(({ id }) => id)));
  for (const { id } of proof.promises) expect(page).toContain(`id="${id}"`);
  for (const { code } of proof.findings) expect(page).toContain(code);
  for (const { goal } of proof.goals) expect(page).toContain(goal);
  expect(page).not.toMatch(/(src|href)=|url\(|@import|https?:/);
});
