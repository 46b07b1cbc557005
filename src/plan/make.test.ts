import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PanopticonError, type Problem } from "#base/errors.ts";
import { stableJson } from "#base/hash.ts";
import { covers, toCidr } from "#base/ipv4.ts";
import type { FederationFile, Site } from "#model/federation.ts";
import { makePlan } from "./make.ts";
import { type MachinePlan, machinesOf, type Plan, type SitePlan } from "./plan.ts";
import {
  misfits,
  misplacedAddresses,
  notKept,
  overlappingNetworks,
  repeated,
  unevenness,
} from "./test/faults.ts";
import { fileOf, roomyFiles, roomyServer, server, site, tightFiles } from "./test/federations.ts";

const RUNS = { numRuns: 40 };

describe("every plan", () => {
  it("gives each machine a name, an address, a MAC and a uuid of its own", async () => {
    await forAll(roomyFiles, async (file) => {
      const { sites } = await makePlan(file);
      const machines = sites.flatMap((planned) => planned.machines);
      for (const what of ["name", "mac", "uuid"] as const)
        expect(repeated(machines.map((machine) => machine[what]))).toEqual([]);
      for (const { network, machines: own } of sites) {
        const single = [network.gateway, network.vip, network.namesVip, network.operator];
        expect(repeated([...single, ...own.map(({ address }) => address)])).toEqual([]);
      }
    });
  });

  it("keeps every address inside the LAN and off what is reserved", async () => {
    await forAll(roomyFiles, async (file) => {
      const { sites } = await makePlan(file);
      expect(sites.flatMap((planned, index) => misplacedAddresses(siteOf(file, index), planned))).toEqual([]);
    });
  });

  it("fits every server, and its workers leave nothing over", async () => {
    await forAll(roomyFiles, async (file) => {
      const { sites } = await makePlan(file);
      expect(sites.flatMap((planned, index) => misfits(siteOf(file, index), planned))).toEqual([]);
    });
  });

  it("spreads control planes evenly, one on each witness", async () => {
    await forAll(roomyFiles, async (file) => {
      const { sites } = await makePlan(file);
      expect(sites.filter((planned) => unevenness(planned) > 1)).toEqual([]);
    });
  });

  it("overlaps no network with another, and cuts each node's from its site's", async () => {
    await forAll(roomyFiles, async (file) => {
      const plan = await makePlan(file);
      expect(overlappingNetworks(plan)).toEqual([]);
      for (const { network, machines } of plan.sites) {
        const parts = machines.flatMap(({ podNetwork }) => podNetwork ?? []);
        expect(parts).toHaveLength(machines.filter(({ role }) => role !== "ecam").length);
        expect(repeated(parts)).toEqual([]);
        expect(parts.filter((part) => !covers(toCidr(network.pods), toCidr(part)))).toEqual([]);
      }
      expect(repeated(plan.sites.flatMap(({ vrrp }) => [`${vrrp.id}`, `${vrrp.namesId}`]))).toEqual([]);
    });
  });

  it("is the same again, byte by byte, and planning from itself changes nothing", async () => {
    await forAll(roomyFiles, async (file) => {
      const plan = await makePlan(file);
      expect(stableJson(await makePlan(structuredClone(file)))).toBe(stableJson(plan));
      expect(stableJson(await makePlan(file, plan))).toBe(stableJson(plan));
    });
  });

  it("either fits or says what does not, with codes of this room", async () => {
    const outcomes: string[] = [];
    await forAll(tightFiles, async (file) => {
      const { plan, problems } = await tryPlan(file);
      expect(plan?.sites.flatMap((planned) => misfits(siteOf(file, 0), planned)) ?? []).toEqual([]);
      expect(problems.filter(({ code, hint }) => !code.startsWith("PLAN_") || !hint)).toEqual([]);
      outcomes.push(plan ? "fits" : "refused");
    });
    expect(new Set(outcomes)).toEqual(new Set(["fits", "refused"]));
  });
});

describe("growth", () => {
  it("with the previous plan keeps everything where a server is added anywhere", async () => {
    await fc.assert(
      fc.asyncProperty(roomyFiles, roomyServer, fc.nat(), async (file, added, seed) => {
        const before = await makePlan(file);
        const servers = [...siteOf(file, 0).servers];
        servers.splice(seed % (servers.length + 1), 0, { ...added, name: "added" });
        const after = await makePlan(withServers(file, servers), before);
        expect(notKept(before, after)).toEqual([]);
        expect(after.sites[0]?.machines.some((machine) => machine.server === "added")).toBe(true);
      }),
      RUNS,
    );
  });

  it("with the previous plan keeps everything where a site is added anywhere", async () => {
    await fc.assert(
      fc.asyncProperty(roomyFiles, fc.nat(), async (file, seed) => {
        const before = await makePlan(file);
        const sites = [...file.federation.sites];
        sites.splice(seed % (sites.length + 1), 0, site("added", 60, [server("a"), server("b")]));
        const after = await makePlan(fileOf(sites), before);
        expect(notKept(before, after)).toEqual([]);
        expect(after.sites.find(({ name }) => name === "added")?.number).toBe(before.sites.length + 1);
      }),
      RUNS,
    );
  });

  it("without it keeps names, numbers and addresses where a server or site is added at the end", async () => {
    await fc.assert(
      fc.asyncProperty(roomyFiles, roomyServer, async (file, added) => {
        const before = await makePlan(file);
        const grown = withServers(file, [...siteOf(file, 0).servers, { ...added, name: "added" }]);
        const after = await makePlan(fileOf([...grown.federation.sites, site("added", 60, [server("a")])]));
        const identity = ({ name, address, mac, uuid, podNetwork }: MachinePlan) => ({
          name,
          address,
          mac,
          uuid,
          podNetwork,
        });
        for (const old of before.sites) {
          const now = after.sites.find(({ name }) => name === old.name);
          expect(now).toMatchObject({ number: old.number, vrrp: old.vrrp, network: old.network });
          expect(now?.machines.map(identity)).toEqual(expect.arrayContaining(old.machines.map(identity)));
        }
      }),
      RUNS,
    );
  });

  it("moves a control plane to a witness that is added, as the same machine", async () => {
    const servers = [server("a"), server("b")];
    const before = await makePlan(fileOf([site("attic", 11, servers)]));
    const grown = fileOf([site("attic", 11, [...servers, server("w", { role: "witness" })])]);
    const after = await makePlan(grown, before);
    const places = (plan: Plan) =>
      machinesOf(sitePlan(plan, "attic"), "controlplane").map((one) => one.server);
    expect(places(before)).toEqual(["a", "b", "a"]);
    expect(places(after)).toEqual(["a", "b", "w"]);
    const [old, moved] = [before, after].map((plan) => machineOf(plan, "attic-cp-3"));
    expect(moved).toMatchObject({
      address: old?.address,
      mac: old?.mac,
      uuid: old?.uuid,
      podNetwork: old?.podNetwork,
    });
    expect(moved?.reasons).toContain("It was planned on a before and moves to w.");
  });
});

it("leaves root disks where they were cut, even where another disk now has more room", async () => {
  const disks = (hdd: number) => [
    { name: "ssd", sizeGiB: 500 },
    { name: "hdd", sizeGiB: hdd },
  ];
  const asked = (hdd: number) =>
    fileOf([site("attic", 11, [server("a", { disks: disks(hdd) })], { controlplanes: 1 })]);
  const roots = (plan: Plan) => sitePlan(plan, "attic").machines.map((machine) => machine.disks[0]?.from);
  const before = await makePlan(asked(400));
  expect(roots(before)).toEqual(["ssd", "ssd", "ssd"]);
  expect(roots(await makePlan(asked(2000), before))).toEqual(["ssd", "ssd", "ssd"]);
  expect(roots(await makePlan(asked(2000)))).toEqual(["hdd", "hdd", "hdd"]);
});

describe("removal", () => {
  const two = [site("attic", 11, [server("a"), server("b")]), site("cellar", 12, [server("a")])] as const;

  it("retires a site's number, which comes back with the site and goes to no other", async () => {
    const before = await makePlan(fileOf(two));
    const shed = site("shed", 13, [server("a")]);
    const without = await makePlan(fileOf([two[1], shed]), before);
    expect(without.sites.map(({ name, number }) => [name, number])).toEqual([
      ["cellar", 2],
      ["shed", 3],
    ]);
    expect(without.retired).toEqual([{ name: "attic", number: 1 }]);
    const back = await makePlan(fileOf([two[1], shed, two[0]]), without);
    expect(back.retired).toBeUndefined();
    expect(sitePlan(back, "attic")).toEqual(sitePlan(before, "attic"));
  });

  it("brings a server's machines back as they were", async () => {
    const before = await makePlan(fileOf([two[0]]));
    const less = await makePlan(fileOf([site("attic", 11, [server("a")])]), before);
    expect(less.sites[0]?.machines.map(({ name }) => name)).toEqual([
      "attic-ecam-1",
      "attic-cp-1",
      "attic-cp-2",
      "attic-cp-3",
      "attic-worker-1",
    ]);
    const again = await makePlan(fileOf([two[0]]), less);
    for (const name of ["attic-ecam-2", "attic-worker-2"]) {
      const { address, mac, uuid, server: on } = machineOf(before, name) ?? {};
      expect(machineOf(again, name)).toMatchObject({ address, mac, uuid, server: on });
    }
  });

  it("takes the control planes of the most crowded server first", async () => {
    const five = site("attic", 11, [server("a"), server("b"), server("c")], { controlplanes: 5 });
    const before = await makePlan(fileOf([five]));
    const after = await makePlan(fileOf([{ ...five, controlplanes: 3 }]), before);
    expect(machinesOf(sitePlan(after, "attic"), "controlplane").map((one) => [one.name, one.server])).toEqual(
      [
        ["attic-cp-1", "a"],
        ["attic-cp-2", "b"],
        ["attic-cp-3", "c"],
      ],
    );
  });
});

describe("a rented site", () => {
  it("has a number and networks, and no machines", async () => {
    const rented: Site = { ...site("sky", 14, []), kind: "aws", region: "eu-central-1" };
    const plan = await makePlan(fileOf([site("attic", 11, [server("a")]), rented]));
    expect(sitePlan(plan, "sky")).toMatchObject({
      number: 2,
      domain: "site2.home.test",
      servers: [],
      machines: [],
      network: { pods: "10.129.0.0/16", services: "10.96.16.0/20", clusterDns: "10.96.16.10" },
    });
  });
});

it("refuses the plan of another federation", async () => {
  const file = fileOf([site("attic", 11, [server("a")])]);
  const plan = await makePlan(file);
  await expect(makePlan(file, { ...plan, federation: "other" })).rejects.toMatchObject({
    exit: 2,
    problems: [{ code: "PLAN_OTHER_FEDERATION" }],
  });
});

/** A property over arbitrary files. */
async function forAll(files: fc.Arbitrary<FederationFile>, holds: (file: FederationFile) => Promise<void>) {
  await fc.assert(fc.asyncProperty(files, holds), RUNS);
}

/** The plan, or why there is none. */
async function tryPlan(file: FederationFile): Promise<{ plan?: Plan; problems: readonly Problem[] }> {
  try {
    return { plan: await makePlan(file), problems: [] };
  } catch (error) {
    if (error instanceof PanopticonError && error.exit === 1) return { problems: error.problems };
    throw error;
  }
}

function withServers(file: FederationFile, servers: Site["servers"]): FederationFile {
  const [first, ...others] = file.federation.sites;
  return first ? fileOf([{ ...first, servers }, ...others]) : file;
}

function siteOf(file: FederationFile, index: number): Site {
  return file.federation.sites[index] as Site;
}

function sitePlan(plan: Plan, name: string): SitePlan {
  return plan.sites.find((one) => one.name === name) as SitePlan;
}

function machineOf(plan: Plan, name: string): MachinePlan | undefined {
  return plan.sites.flatMap(({ machines }) => machines).find((machine) => machine.name === name);
}
