import { describe, expect, it } from "vitest";
import type { RecordSet } from "#ports/names.ts";
import { servedBefore } from "./before.ts";
import { siteTargets, serviceTargets } from "./targets.ts";
import { probed, UNPROBED } from "./verdict.ts";

const after = (probes: string) =>
  probes.split("").reduce((verdict, one) => probed(verdict, one === "+", one), UNPROBED).up;

describe("a verdict", () => {
  it("takes three failures in a row, and two successes", () => {
    expect(["", "--", "--+--", "---", "---+", "---+-+", "---++", "---++--"].map(after)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
      true,
      true,
    ]);
  });
});

describe("what is probed", () => {
  const places = [
    { address: "203.0.113.1", site: "attic" },
    { address: "203.0.113.2", site: "attic" },
    { address: "203.0.113.3", site: "barn" },
  ];
  const own = { site: "attic", ingress: "10.11.0.180" };

  it("is each line of the others, and the own site from inside, for all its lines", () => {
    const seen = siteTargets(places, { attic: "site1.home.test", barn: "site2.home.test" }, own);
    expect(seen.map(({ at, name, addresses }) => [at, name, addresses.length])).toEqual([
      ["10.11.0.180", "health.site1.home.test", 2],
      ["203.0.113.3", "health.site2.home.test", 1],
    ]);
    expect(siteTargets(places, {}, undefined).map(({ at }) => at)).toEqual(
      places.map(({ address }) => address),
    );
  });

  it("is each service where it should run", () => {
    const seen = serviceTargets(
      places,
      [{ host: "app.home.test", sites: ["barn"] }, { host: "b.home.test" }],
      own,
    );
    expect(seen.map(({ key }) => key)).toEqual([
      "app.home.test at barn 203.0.113.3",
      "b.home.test at attic inside",
      "b.home.test at barn 203.0.113.3",
    ]);
  });
});

describe("what was served before", () => {
  const places = ["203.0.113.1", "203.0.113.2"].map((address) => ({ address, site: address }));
  const records = [{ name: "home.test", type: "A" as const, ttl: 5, values: ["203.0.113.2", "203.0.113.9"] }];

  it("goes on, and what was missing is held back for a while", () => {
    expect(servedBefore(records, "home.test", places, 7)).toEqual({
      answer: ["203.0.113.2"],
      holds: { "203.0.113.1": { lastDownMs: 7, falls: 1 } },
    });
  });

  it("is nothing where there was none that the plan still has", () => {
    expect(servedBefore(records, "app.home.test", places, 7)).toBeUndefined();
    expect(
      servedBefore([{ ...(records[0] as RecordSet), ttl: 300 }], "home.test", places, 7),
    ).toBeUndefined();
  });
});
