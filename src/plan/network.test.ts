import { describe, expect, it } from "vitest";
import { PanopticonError, type Problem } from "#base/errors.ts";
import type { FederationFile, Site } from "#model/federation.ts";
import { makePlan } from "./make.ts";
import type { Plan, SitePlan } from "./plan.ts";
import { fileOf, network, server, site } from "./test/federations.ts";

describe("addresses", () => {
  it("are the ones people expect in a /24", async () => {
    const { network: chosen, machines } = await planOf(site("attic", 11, [server("a"), server("b")]));
    expect(chosen).toMatchObject({
      vip: "10.11.0.10",
      namesVip: "10.11.0.9",
      operator: "10.11.0.254",
      ingress: { first: "10.11.0.200", last: "10.11.0.219" },
      clusterDns: "10.96.0.10",
    });
    expect(machines.map(({ address }) => address)).toEqual(
      [11, 12, 21, 22, 23, 31, 32].map((last) => `10.11.0.${last}`),
    );
    expect(machines.flatMap(({ podNetwork }) => podNetwork ?? [])).toEqual(
      [1, 2, 3, 11, 12].map((part) => `10.128.${part}.0/24`),
    );
  });

  it("step around the gateway, resolvers, reserved ranges and what the file fixes", async () => {
    const lan = network("10.11.0.0/24", {
      gateway: "10.11.0.254",
      resolvers: ["10.11.0.9"],
      reserved: [
        { first: "10.11.0.11", last: "10.11.0.15" },
        { first: "10.11.0.205", last: "10.11.0.205" },
      ],
      vip: "10.11.0.21",
    });
    const { network: chosen, machines } = await planOf(site("attic", 11, [server("a")], { network: lan }));
    expect(chosen).toMatchObject({
      vip: "10.11.0.21",
      namesVip: "10.11.0.2",
      operator: "10.11.0.253",
      ingress: { first: "10.11.0.233", last: "10.11.0.252" },
    });
    expect(machines.map(({ address }) => address)).toEqual(
      [16, 22, 23, 24, 31].map((last) => `10.11.0.${last}`),
    );
  });

  it("are packed in a small LAN, which a server more does not disturb", async () => {
    const lan = network("10.11.0.0/28");
    const one = site("attic", 11, [server("a")], { network: lan });
    const { network: chosen, machines } = await planOf(one);
    expect(chosen).toMatchObject({
      vip: "10.11.0.2",
      namesVip: "10.11.0.3",
      operator: "10.11.0.14",
      ingress: { first: "10.11.0.13", last: "10.11.0.13" },
    });
    const lasts = (planned: SitePlan) =>
      planned.machines.map(({ name, address }) => `${name} ${address.split(".")[3]}`);
    const before = lasts({ machines } as SitePlan);
    expect(before).toEqual([
      "attic-ecam-1 7",
      "attic-cp-1 4",
      "attic-cp-2 5",
      "attic-cp-3 6",
      "attic-worker-1 8",
    ]);
    const two = await planOf({ ...one, servers: [server("a"), server("b")] });
    expect(lasts(two)).toEqual(expect.arrayContaining(before));
  });

  it("run out with the size that would do", async () => {
    const lan = network("10.11.0.0/28", { reserved: [{ first: "10.11.0.2", last: "10.11.0.6" }] });
    expect(
      await refusal(fileOf([site("attic", 11, [server("a"), server("b")], { network: lan })])),
    ).toMatchObject([
      {
        code: "PLAN_LAN_FULL",
        subject: "sites[0].network.lan",
        message: expect.stringContaining("8 are neither reserved nor in use"),
        hint: "make sites[0].network.lan a /27 or larger, or reserve less of it",
      },
    ]);
  });

  it("are not taken from the ingress range, even for the last machine", async () => {
    const lan = network("10.11.0.0/28", { reserved: [{ first: "10.11.0.2", last: "10.11.0.4" }] });
    const asked = site("attic", 11, [server("a"), server("b")], { network: lan });
    expect((await refusal(fileOf([asked]))).map(({ code }) => code)).toEqual(["PLAN_LAN_FULL"]);
    const { machines } = await planOf({ ...asked, servers: [server("a"), server("b", { workers: 0 })] });
    expect(machines.map(({ address }) => address)).not.toContain("10.11.0.13");
  });

  it("leave the ingress range fewer where machines need them", async () => {
    const lan = network("10.11.0.0/26");
    const planned = async (workers: number) =>
      planOf(
        site(
          "attic",
          11,
          [server("a", { cpus: 128, memoryMiB: 524_288, disks: [{ name: "ssd", sizeGiB: 4000 }], workers })],
          { network: lan },
        ),
      );
    expect((await planned(10)).network.ingress).toEqual({ first: "10.11.0.55", last: "10.11.0.61" });
    expect((await planned(52)).network.ingress).toEqual({ first: "10.11.0.60", last: "10.11.0.61" });
  });

  it("move only where the file forbids the one planned before", async () => {
    const asked = site("attic", 11, [server("a"), server("b")]);
    const before = await makePlan(fileOf([asked]));
    const reserved = [{ first: "10.11.0.12", last: "10.11.0.21" }];
    const changed = { ...asked, network: network("10.11.0.0/24", { reserved, vip: "10.11.0.32" }) };
    const [after] = (await makePlan(fileOf([changed]), before)).sites;
    expect(after?.machines.map(({ address }) => address)).toEqual(
      [11, 199, 24, 22, 23, 31, 33].map((last) => `10.11.0.${last}`),
    );
    expect(after?.network).toMatchObject({
      vip: "10.11.0.32",
      namesVip: "10.11.0.9",
      operator: "10.11.0.254",
    });
  });
});

describe("pod and service networks", () => {
  it("follow the site's number and give way to a LAN that is in the way", async () => {
    const sites = [
      site("a", 128, [server("a")]),
      site("b", 11, [server("a")], { network: network("10.96.16.0/24") }),
      site("c", 12, [server("a")]),
    ];
    const { sites: planned } = await makePlan(fileOf(sites));
    expect(planned.map(({ network: { pods, services } }) => [pods, services])).toEqual([
      ["100.127.0.0/16", "10.96.0.0/20"],
      ["10.129.0.0/16", "172.31.240.0/20"],
      ["10.130.0.0/16", "10.96.32.0/20"],
    ]);
  });

  it("are kept, so a new LAN inside one is refused with a way out", async () => {
    const first = site("attic", 11, [server("a")]);
    const before = await makePlan(fileOf([first]));
    const second = site("cellar", 128, [server("a")]);
    expect(await refusal(fileOf([first, second]), before)).toMatchObject([
      {
        code: "PLAN_NETWORK_OVERLAP",
        message: "the pod network 10.128.0.0/16 of site attic overlaps the LAN of site cellar",
        hint: expect.stringContaining("sites[0].network.pods"),
      },
    ]);
  });

  it("are what the file fixes, and small ones are packed", async () => {
    const fixed = network("10.11.0.0/24", { pods: "10.200.0.0/21", services: "10.200.16.0/24" });
    const planned = await planOf(site("attic", 11, [server("a"), server("b")], { network: fixed }));
    expect(planned.network).toMatchObject({
      pods: "10.200.0.0/21",
      services: "10.200.16.0/24",
      clusterDns: "10.200.16.10",
    });
    expect(planned.machines.flatMap(({ podNetwork }) => podNetwork ?? [])).toEqual(
      [0, 1, 2, 3, 4].map((part) => `10.200.${part}.0/24`),
    );
  });

  it("are refused where they cannot give each node a /24", async () => {
    const fixed = network("10.11.0.0/24", { pods: "10.200.0.0/22" });
    expect(
      await refusal(fileOf([site("attic", 11, [server("a"), server("b")], { network: fixed })])),
    ).toMatchObject([{ code: "PLAN_PODS_TOO_SMALL", hint: "make sites[0].network.pods a /21 or larger" }]);
  });

  it("last for 300 sites, and the one too many is told", async () => {
    const rented = (count: number) =>
      Array.from({ length: count }, (_, index) => ({
        ...site(`s${index}`, 0, []),
        kind: "aws" as const,
        network: network(`192.168.${index % 250}.${index < 250 ? 0 : 128}/25`, { external: [] }),
      }));
    const { sites } = await makePlan(fileOf(rented(300)));
    expect(new Set(sites.map(({ network: { pods } }) => pods)).size).toBe(300);
    const codes = (await refusal(fileOf(rented(400)))).map(({ code }) => code);
    expect(new Set(codes)).toEqual(new Set(["PLAN_NETWORKS_EXHAUSTED"]));
  });
});

describe("VRRP ids", () => {
  it("are used again past 127 sites, but differ inside each", async () => {
    const sites = Array.from({ length: 130 }, (_, index) => ({
      ...site(`s${index}`, 0, []),
      kind: "aws" as const,
      network: network(`192.168.${index}.0/24`),
    }));
    const { sites: planned } = await makePlan(fileOf(sites));
    const ids = planned.map(({ vrrp }) => vrrp);
    expect(ids[0]).toEqual({ id: 1, namesId: 2 });
    expect(ids[126]).toEqual({ id: 253, namesId: 254 });
    expect(ids[127]).toEqual({ id: 1, namesId: 2 });
    expect(new Set(ids.slice(0, 127).flatMap(({ id, namesId }) => [id, namesId])).size).toBe(254);
  });

  it("go to a new site from those of a removed one", async () => {
    const sites = Array.from({ length: 128 }, (_, index) => ({
      ...site(`s${index}`, 0, []),
      kind: "aws" as const,
      network: network(`192.168.${index}.0/24`),
    }));
    const before = await makePlan(fileOf(sites.slice(0, 127)));
    const after = await makePlan(fileOf(sites.filter(({ name }) => name !== "s5")), before);
    expect(after.sites.at(-1)).toMatchObject({ number: 128, vrrp: { id: 11, namesId: 12 } });
  });
});

async function planOf(asked: Site): Promise<SitePlan> {
  const { sites } = await makePlan(fileOf([asked]));
  return sites[0] as SitePlan;
}

async function refusal(file: FederationFile, previous?: Plan): Promise<readonly Problem[]> {
  try {
    await makePlan(file, previous);
  } catch (error) {
    if (error instanceof PanopticonError && error.exit === 1) return error.problems;
    throw error;
  }
  return [];
}
