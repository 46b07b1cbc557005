import { expect, it } from "vitest";
import { diffPlans } from "./difference.ts";
import { makePlan } from "./make.ts";
import { fileOf, server, site } from "./test/federations.ts";

const attic = site("attic", 11, [server("a"), server("b")]);
const before = await makePlan(fileOf([attic, site("cellar", 12, [server("a")], { controlplanes: 1 })]));

it("finds nothing between a plan and itself", async () => {
  expect(diffPlans(before, structuredClone(before))).toEqual([]);
});

it("lists what is added, changed and removed, with both values", async () => {
  const grown = {
    ...attic,
    servers: [server("a", { memoryMiB: 32_768 }), server("b"), server("w", { role: "witness" })],
    network: { ...attic.network, vip: "10.11.0.50" },
  };
  const after = await makePlan(fileOf([grown]), before);
  expect(diffPlans(before, after)).toEqual([
    {
      kind: "changed",
      subject: "site",
      name: "attic",
      changes: [{ what: "vip", before: "10.11.0.10", after: "10.11.0.50" }],
    },
    {
      kind: "changed",
      subject: "machine",
      name: "attic-cp-3",
      site: "attic",
      changes: [{ what: "server", before: "a", after: "w" }],
    },
    {
      kind: "changed",
      subject: "machine",
      name: "attic-worker-1",
      site: "attic",
      changes: [
        { what: "cpus", before: "11", after: "13" },
        { what: "memory", before: "53.5 GiB (54784 MiB)", after: "25.5 GiB (26112 MiB)" },
        {
          what: "disks",
          before: "root 40 GiB of ssd, data 892 GiB of ssd",
          after: "root 40 GiB of ssd, data 924 GiB of ssd",
        },
      ],
    },
    ...["cellar", "cellar-ecam-1", "cellar-cp-1", "cellar-worker-1"].map((name) => ({
      kind: "removed",
      subject: name === "cellar" ? "site" : "machine",
      name,
      ...(name !== "cellar" && { site: "cellar" }),
      changes: [],
    })),
  ]);
  expect(diffPlans(after, before).map(({ kind, name }) => `${kind} ${name}`)).toContain("added cellar-cp-1");
});
