import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { parseFederation } from "#model/parse.ts";
import { makePlan } from "#plan/make.ts";
import type { Plan, SitePlan } from "#plan/plan.ts";
import { blastRadius } from "./blast.ts";
import { buildGraph } from "./build.ts";
import type { FaultGraph } from "./graph.ts";

const FILE = "examples/two-sites.yaml";
let graph: FaultGraph;
let attic: SitePlan;

beforeAll(async () => {
  const file = parseFederation(readFileSync(FILE, "utf8"), FILE);
  const plan: Plan = await makePlan(file);
  graph = buildGraph(file.federation, plan);
  attic = plan.sites[0] as SitePlan;
});

const ids = (down: readonly string[], machines: readonly string[]) =>
  blastRadius(graph, attic, down, machines).breaks.map(({ id }) => id);

describe("the blast radius", () => {
  it("of one control plane of three is nothing", () => {
    expect(blastRadius(graph, attic, [], ["attic-cp-1"])).toEqual({
      breaks: [],
      says: "1 of 3 control planes of attic away; nothing is lost by it",
    });
  });

  it("of a second one is the quorum", () => {
    expect(ids(["attic-cp-2"], ["attic-cp-1"])).toContain("etcd:attic");
    expect(blastRadius(graph, attic, ["attic-cp-2"], ["attic-cp-1"]).says).toMatch(
      /^2 of 3 control planes of attic away; meanwhile not true: .*attic/,
    );
  });

  it("counts only what the work itself breaks", () => {
    expect(ids(["attic-cp-2", "attic-cp-3"], ["attic-worker-1"])).not.toContain("etcd:attic");
  });

  it("of both ECAMs is the site's API", () => {
    expect(ids([], ["attic-ecam-1", "attic-ecam-2"])).toContain("api:attic");
  });

  it("refuses a machine that the plan does not have", () => {
    expect(() => ids([], ["attic-cp-9"])).toThrow("machine:attic-cp-9");
  });
});
