import { expect, it } from "vitest";
import { drillPage, type DrillReport, type FaultResult } from "./drill.ts";

const result: FaultResult = {
  id: "router:<attic>",
  site: "attic",
  says: "take the router away & watch",
  verdicts: [{ promise: "outside:attic", says: "reachable", predicted: "broken", measured: "broken" }],
  gaps: { attic: { api: 0.25, service: 8.125, etcd: 0.5 } },
  gapsAtReturn: {},
  holders: ["attic-ecam-1"],
  vip: { none: 0, several: 0 },
  writes: { acknowledged: 12, lost: [] },
  healthyAfter: 3,
  defects: [],
};

const report: DrillReport = {
  federation: "home",
  at: "2026-01-01T00:00:00.000Z",
  holdSeconds: 8,
  silenceSeconds: 2,
  lateSeconds: 12,
  results: [result, { ...result, id: "b", defects: ["api:attic was predicted to hold and broke"] }],
  undrilled: [{ id: "feed:attic/a", reason: "the lab has none" }],
};

it("the page says every result in words, loads nothing and lets no name become markup", () => {
  const page = drillPage(report);
  expect(page).toContain("router:&lt;attic&gt;");
  expect(page).toContain("take the router away &amp; watch");
  expect(page).toContain("hurts, as predicted");
  expect(page).toContain("DEFECT: api:attic was predicted to hold and broke");
  expect(page).toContain("12 of 12");
  expect(page).toContain("feed:attic/a</code>: the lab has none");
  expect(page).not.toMatch(/<script|https?:\/\/|src=|@import/);
});
