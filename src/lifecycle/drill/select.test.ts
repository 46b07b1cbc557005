import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { buildGraph } from "#failure/build.ts";
import { componentsOf, type FaultGraph } from "#failure/graph.ts";
import type { Federation } from "#model/federation.ts";
import { parseFederation } from "#model/parse.ts";
import { makePlan } from "#plan/make.ts";
import type { Plan } from "#plan/plan.ts";
import { type Catalogue, catalogue } from "./catalogue.ts";
import { select, type Selection } from "./select.ts";
import { defectsOf, predicted } from "./verdict.ts";

const FILE = join(import.meta.dirname, "../../../examples/two-sites.yaml");

let federation: Federation;
let plan: Plan;
let graph: FaultGraph;
let known: Catalogue;

beforeAll(async () => {
  const file = parseFederation(readFileSync(FILE, "utf8"), FILE);
  federation = file.federation;
  plan = await makePlan(file);
  graph = buildGraph(federation, plan);
  known = catalogue(federation, plan, graph);
});

const chosen = (selection: Partial<Selection>): readonly string[] =>
  select(known, { only: [], all: false, order: 1, seed: 1, ...selection }).map(({ id }) => id);

describe("the catalogue", () => {
  it("has a fault or a reason for every component of the proof, and no other", () => {
    const told = [...known.components, ...known.undrilled].map(({ id }) => id);
    expect(told.toSorted()).toEqual(
      componentsOf(graph)
        .map(({ id }) => id)
        .toSorted(),
    );
  });

  it("calls no two faults the same", () => {
    const ids = [...known.components, ...known.others].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("names what each fault loses as the proof does", () => {
    for (const { loses } of [...known.components, ...known.others]) {
      expect(() => predicted(graph, loses)).not.toThrow();
    }
  });
});

describe("selecting", () => {
  it("chooses nothing by itself", () => {
    expect(chosen({})).toEqual([]);
  });

  it("takes every component with --all", () => {
    expect(chosen({ all: true })).toEqual(known.components.map(({ id }) => id));
  });

  it("takes names with * for any letters, dots and all", () => {
    expect(chosen({ only: ["machine:attic-cp-*"] })).toEqual([1, 2, 3].map((n) => `machine:attic-cp-${n}`));
    expect(chosen({ only: ["address:*"] })).toEqual(["address:203.0.113.10", "address:198.51.100.10"]);
    expect(chosen({ only: ["cut:attic-cp-1>attic-cp-2", "kill:haproxy/cellar-ecam-1"] })).toHaveLength(2);
    expect(() => chosen({ only: ["address:203x0*"] })).toThrow("DRILL_UNKNOWN_FAULT");
  });

  it("says the nearest name of a mistyped one, and why a component has no fault", () => {
    expect(() => chosen({ only: ["machin:attic-cp-1"] })).toThrow('Did you mean "machine:attic-cp-1"?');
    expect(() => chosen({ only: ["nameserver:attic-ecam-1"] })).toThrow("DRILL_NOT_POSSIBLE");
  });

  it("pairs components of one site only, each pair once", () => {
    const pairs = chosen({ order: 2 });
    const perSite = known.components.filter(({ site }) => site === "attic").length;
    expect(pairs).toHaveLength(perSite * (perSite - 1));
    expect(new Set(pairs).size).toBe(pairs.length);
    expect(pairs.filter((id) => id.includes("attic") && id.includes("cellar"))).toEqual([]);
  });

  it("draws the same sample from the same seed, and another from another", () => {
    const sample = chosen({ order: 2, sample: 12, seed: 7 });
    expect(sample).toHaveLength(12);
    expect(chosen({ order: 2, sample: 12, seed: 7 })).toEqual(sample);
    expect(chosen({ order: 2, sample: 12, seed: 8 })).not.toEqual(sample);
  });
});

describe("the verdict", () => {
  const result = {
    id: "x",
    site: "attic",
    says: "x",
    verdicts: [],
    gaps: {},
    gapsAtReturn: {},
    holders: ["attic-ecam-1"],
    vip: { none: 0, several: 0 },
    writes: { acknowledged: 10, lost: [] },
    healthyAfter: 1,
  };
  const verdict = (said: "holds" | "broken", measured: "holds" | "broken") => ({
    promise: "api:attic",
    says: "the API of attic answers",
    predicted: said,
    measured,
  });

  it("knows what the proof says of the loss of a router", () => {
    const broken = predicted(graph, ["router:attic"]).filter((one) => one.predicted === "broken");
    expect(broken.map(({ promise }) => promise)).toEqual(["outside:attic"]);
  });

  it("finds no defect where measured and predicted agree", () => {
    for (const said of ["holds", "broken"] as const) {
      expect(defectsOf({ ...result, verdicts: [verdict(said, said)] }, [])).toEqual([]);
    }
  });

  it("finds a contradiction either way", () => {
    expect(defectsOf({ ...result, verdicts: [verdict("holds", "broken")] }, [])).toHaveLength(1);
    expect(defectsOf({ ...result, verdicts: [verdict("broken", "holds")] }, [])).toHaveLength(1);
  });

  it("finds two holders, none where the API was to hold, lost writes and a lab that stays ill", () => {
    expect(defectsOf({ ...result, holders: ["a", "b"] }, [])).toHaveLength(1);
    expect(defectsOf({ ...result, holders: [], verdicts: [verdict("holds", "holds")] }, [])).toHaveLength(1);
    expect(defectsOf({ ...result, holders: [], verdicts: [verdict("broken", "broken")] }, [])).toEqual([]);
    expect(defectsOf({ ...result, writes: { acknowledged: 10, lost: ["k"] } }, [])).toHaveLength(1);
    expect(defectsOf(result, ["attic-cp-1 is off"])).toHaveLength(1);
  });
});
