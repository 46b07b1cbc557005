import { describe, expect, it } from "vitest";
import type { Server } from "#model/federation.ts";
import { makePlan } from "#plan/make.ts";
import { fileOf, server, site } from "#plan/test/federations.ts";
import { planReplacement, readReplacement } from "./replace-plan.ts";

const attic = (servers: readonly Server[]) => fileOf([site("attic", 1, servers)]);
const before = [server("a"), server("b"), server("c")];
const previous = await makePlan(attic(before));
const names = (plan: typeof previous) =>
  plan.sites[0]?.machines.map((machine) => [machine.name, machine.server]);

describe("a replacement", () => {
  it("is named by two servers of one site", () => {
    expect(readReplacement("attic/b", "attic/z")).toEqual({ site: "attic", old: "b", fresh: "z" });
    expect(readReplacement("attic/b", "z")).toEqual({ site: "attic", old: "b", fresh: "z" });
    for (const [old, fresh] of [
      ["b", "z"],
      ["attic/b", "cellar/z"],
      ["attic/", "z"],
      ["attic/b/c", "z"],
      ["attic/b", "attic/"],
    ] as const)
      expect(() => readReplacement(old, fresh)).toThrow("SERVER_REPLACE_NAMES");
  });

  it("moves the machines, under their names, to the new server", async () => {
    const order = { site: "attic", old: "b", fresh: "z" };
    const file = attic([server("a"), server("z"), server("c")]);
    const plan = await planReplacement(file, previous, order, undefined);
    const renamed = names(previous)?.map(([name, on]) => [name, on === "b" ? "z" : on]);
    expect(names(plan)).toEqual(renamed);
  });

  it("goes on by what was written down, once the plan is the new one", async () => {
    const order = { site: "attic", old: "b", fresh: "z" };
    const file = attic([server("a"), server("z"), server("c")]);
    const plan = await planReplacement(file, previous, order, undefined);
    const machines =
      plan.sites[0]?.machines.filter((each) => each.server === "z").map(({ name }) => name) ?? [];
    const record = { ...order, machines, cleared: [] };
    expect(await planReplacement(file, plan, order, record)).toEqual(plan);
    const again = planReplacement(file, plan, order, undefined);
    await expect(again).rejects.toThrow("SERVER_REPLACE_UNKNOWN");
    const other = planReplacement(file, plan, { ...order, old: "a" }, record);
    await expect(other).rejects.toThrow("SERVER_REPLACE_UNDER_WAY");
  });

  it.each([
    ["SERVER_REPLACE_UNKNOWN", "x", "z", before],
    ["SERVER_REPLACE_OLD_IN_FILE", "b", "z", before],
    ["SERVER_REPLACE_NEW_NOT_IN_FILE", "b", "z", [server("a"), server("c")]],
    ["SERVER_REPLACE_NEW_IN_USE", "b", "c", [server("a"), server("c")]],
    ["SERVER_REPLACE_NO_FIT", "b", "z", [server("a"), server("c"), server("z", { role: "witness" })]],
    ["SERVER_REPLACE_MORE", "b", "z", [server("a", { workers: 2 }), server("z"), server("c")]],
  ] as const)("is refused with %s", async (code, old, fresh, servers) => {
    const planned = planReplacement(attic(servers), previous, { site: "attic", old, fresh }, undefined);
    await expect(planned).rejects.toThrow(code);
  });

  it("says no site that is not there", async () => {
    const order = { site: "loft", old: "b", fresh: "b" };
    await expect(planReplacement(attic(before), previous, order, undefined)).rejects.toThrow("loft");
  });
});
