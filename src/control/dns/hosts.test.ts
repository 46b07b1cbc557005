import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hostedServices, Hosts, isServiceHost, MOST_HOSTS } from "./hosts.ts";

const SITES = ["attic", "barn", "cellar"];
const at = (known: Readonly<Record<string, readonly string[]>>) =>
  hostedServices(SITES, new Map(Object.entries(known)));

describe("where services run", () => {
  it("is what each site says of itself", () => {
    expect(at({ attic: ["app", "only"], barn: ["app"], cellar: ["app"] })).toEqual([
      { host: "app" },
      { host: "only", sites: ["attic"] },
    ]);
    expect(at({ attic: [], barn: ["app"], cellar: [] })).toEqual([{ host: "app", sites: ["barn"] }]);
    expect(at({})).toEqual([]);
  });

  it("may be at a site that has said nothing", () => {
    expect(at({ attic: ["app"], barn: [] })).toEqual([{ host: "app", sites: ["attic", "cellar"] }]);
    expect(at({ stranger: ["app"] })).toEqual([]);
  });

  it("is the same in whatever order sites are heard, and narrows only by what is said", () => {
    const lists = fc.dictionary(
      fc.constantFrom(...SITES),
      fc.array(fc.constantFrom<string>("a", "b", "c", "d"), { maxLength: 4 }),
    );
    fc.assert(
      fc.property(lists, (known) => {
        const services = at(known);
        expect(hostedServices(SITES, new Map(Object.entries(known).toReversed()))).toEqual(services);
        for (const site of SITES) {
          const has = services.filter(({ sites }) => sites?.includes(site) ?? true).map(({ host }) => host);
          const all = services.map(({ host }) => host);
          expect(has).toEqual(all.filter((host) => known[site]?.includes(host) ?? true));
        }
      }),
    );
  });
});

it("names of sites, of the domain itself and of what every site has are no service's", () => {
  const is = (host: string) => isServiceHost(host, "home.test", ["site1.home.test", "site2.home.test"]);
  expect(["app.home.test", "a.b.home.test", "control.app.home.test"].filter(is)).toHaveLength(3);
  const others = [
    "home.test",
    "app.other.test",
    "apphome.test",
    "site1.home.test",
    "app.site2.home.test",
    "control.home.test",
    "health.home.test",
  ];
  expect(others.filter(is)).toEqual([]);
});

describe("what a voter knows of all sites", () => {
  const said = (voter: string, hosts?: readonly string[]) => ({
    voter,
    sequence: 1,
    ageMs: 0,
    hears: [],
    down: [],
    ...(hosts && { hosts }),
  });

  it("is what they have said last, and a person's word before it", () => {
    const hosts = new Hosts(["attic", "barn", "attic"], (host) => host !== "bad");
    expect(hosts.learn("attic", [said("attic", ["x"]), said("barn", ["app", "bad"])])).toBe(true);
    expect(hosts.learn("attic", [said("barn", ["app", "bad"]), said("barn"), said("stranger", ["y"])])).toBe(
      false,
    );
    expect(hosts.services([])).toEqual([{ host: "app" }]);
    expect(hosts.set("attic", [])).toBe(true);
    expect(hosts.set("attic", [])).toBe(false);
    expect(hosts.services([])).toEqual([{ host: "app", sites: ["barn"] }]);
    expect(hosts.services([{ host: "app", sites: ["attic"] }])).toEqual([{ host: "app", sites: ["attic"] }]);
    expect(hosts.set("attic", undefined)).toBe(true);
    expect(hosts.of("attic")).toBeUndefined();
  });

  it("has a bound", () => {
    const hosts = new Hosts(["attic"], () => true);
    hosts.set(
      "attic",
      Array.from({ length: MOST_HOSTS + 5 }, (_, index) => `${index}.home.test`),
    );
    expect(hosts.of("attic")).toHaveLength(MOST_HOSTS);
  });
});
