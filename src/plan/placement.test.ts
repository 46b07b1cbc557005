import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PanopticonError, type Problem } from "#base/errors.ts";
import type { FederationFile, Server, Site, SourceMap } from "#model/federation.ts";
import { type Host, hostsOf, loadOf } from "./capacity.ts";
import { orderUnits, placeSite } from "./placement.ts";
import { pack } from "./placement-solver.ts";
import type { SiteInput } from "./site-input.ts";
import { fileOf, roomyFiles, server, site, tightFiles } from "./test/federations.ts";

/** Only all workers' roots (30 GiB) on the first disk and the rest (20 GiB) on the other fit; the quick way starts otherwise. */
const TIGHT: Partial<Server> = {
  workers: 2,
  disks: [
    { name: "ssd", sizeGiB: 60 },
    { name: "hdd", sizeGiB: 40 },
  ],
};
const TIGHT_SIZES: Site["sizes"] = {
  ecam: { cpus: 1, memoryMiB: 512, diskGiB: 20 },
  controlplane: { cpus: 2, memoryMiB: 4096, diskGiB: 20 },
  worker: { cpus: 2, memoryMiB: 4096, diskGiB: 30 },
};

describe("the spread of control planes", () => {
  it("is the best there is, wherever disks leave a choice", async () => {
    await fc.assert(
      fc.asyncProperty(tightFiles, async (file) => {
        const input = inputOf(file);
        expect(await countsOf(input)).toEqual(bestCounts(input));
      }),
      { numRuns: 150 },
    );
  });

  it("is the same where HiGHS decides and where the quick way does", async () => {
    await fc.assert(
      fc.asyncProperty(roomyFiles, async (file) => {
        const input = inputOf(file);
        const hosts = hostsOf(input);
        const packing = await pack(input.site, hosts, orderUnits(input, hosts));
        expect(packing?.counts).toEqual(await countsOf(input));
      }),
      { numRuns: 20 },
    );
  });

  it("comes from HiGHS where only one way of cutting the disks fits", async () => {
    const servers = ["a", "b", "c"].map((name) => server(name, TIGHT));
    const { seats, cuts } = await placeSite(
      inputOf(fileOf([site("attic", 11, servers, { sizes: TIGHT_SIZES })])),
    );
    expect(seats.filter(({ role }) => role === "controlplane").map((seat) => seat.server.name)).toEqual([
      "a",
      "b",
      "c",
    ]);
    expect(Object.fromEntries(cuts.get("a") ?? [])).toEqual({
      "attic-ecam-1": "hdd",
      "attic-cp-1": "hdd",
      "attic-worker-1": "ssd",
      "attic-worker-2": "ssd",
    });
  });

  it("gives the odd control plane to the server with the most memory to spare", async () => {
    const servers = [server("small", { memoryMiB: 32_768 }), server("large", { memoryMiB: 65_536 })];
    expect(await countsOf(inputOf(fileOf([site("attic", 11, servers)])))).toEqual([1, 2]);
  });

  it("uses a witness before a second one lands on a full server, wherever the witness stands", async () => {
    const servers = [server("w", { role: "witness" }), server("a"), server("b")];
    expect(await countsOf(inputOf(fileOf([site("attic", 11, servers)])))).toEqual([1, 1, 1]);
    const five = fileOf([site("attic", 11, servers, { controlplanes: 5 })]);
    expect(await countsOf(inputOf(five))).toEqual([1, 2, 2]);
  });

  it("leaves a server out that has no room and fills the others", async () => {
    const servers = [server("a", { memoryMiB: 8192 }), server("b"), server("c")];
    const full = fileOf([site("attic", 11, servers)]);
    expect(await countsOf(inputOf(full))).toEqual([0, 2, 1]);
  });

  it("puts one where a device is passed to it, whatever memory says", async () => {
    const device = { name: "card", pci: "0000:03:00.0", for: "controlplane" as const };
    const servers = [server("a", { memoryMiB: 32_768, passthrough: [device] }), server("b")];
    expect(await countsOf(inputOf(fileOf([site("attic", 11, servers, { controlplanes: 1 })])))).toEqual([
      1, 0,
    ]);
  });
});

describe("what does not fit", () => {
  it("is told for every server and resource at once, with its place in the file", async () => {
    const servers = [
      server("a", { cpus: 2, memoryMiB: 4096, disks: [{ name: "ssd", sizeGiB: 40 }] }),
      server("b"),
    ];
    const source: SourceMap = new Map([
      ["sites[0].servers[0].cpus", { file: "home.yaml", line: 9, column: 13 }],
      ["sites[0].servers[0]", { file: "home.yaml", line: 8, column: 9 }],
    ]);
    const problems = await refusal(fileOf([site("attic", 11, servers)], source));
    expect(problems).toEqual([
      {
        code: "PLAN_SERVER_CPUS",
        message: "server a of site attic needs 3 vCPUs for 1 ECAM and 1 worker, and has 2",
        hint: "give it 3 cpus, or lower sites[0].sizes",
        subject: "sites[0].servers[0].cpus",
        at: { file: "home.yaml", line: 9, column: 13 },
      },
      {
        code: "PLAN_SERVER_MEMORY",
        message:
          "server a of site attic needs 4.5 GiB for 1 ECAM and 1 worker, and has 2 GiB beside dom0's 2 GiB",
        hint: "give it 6.5 GiB of memory, or lower sites[0].sizes",
        subject: "sites[0].servers[0].memory",
        at: { file: "home.yaml", line: 8, column: 9 },
      },
      {
        code: "PLAN_SERVER_DISK",
        message: "server a of site attic needs 44 GiB of disk for 1 ECAM and 1 worker, and has 40 GiB",
        hint: "give it larger disks, or lower sites[0].sizes",
        subject: "sites[0].servers[0].disks",
        at: { file: "home.yaml", line: 8, column: 9 },
      },
    ]);
  });

  it("says how many control planes each server has room for, and why no more", async () => {
    const servers = [server("a", { memoryMiB: 8192 }), server("b", { cpus: 5 })];
    expect(await refusal(fileOf([site("attic", 11, servers)]))).toMatchObject([
      {
        code: "PLAN_CONTROLPLANES_DO_NOT_FIT",
        message:
          "site attic cannot place 3 control planes of 2 vCPUs, 4 GiB and 32 GiB of disk: a has room for 0 (limited by memory), b has room for 1 (limited by vCPUs)",
      },
    ]);
  });

  it("names the disks that no way of cutting fits", async () => {
    const disks = [
      { name: "ssd", sizeGiB: 55 },
      { name: "hdd", sizeGiB: 45 },
    ];
    const servers = [server("a", { ...TIGHT, disks })];
    const asked = site("attic", 11, servers, { sizes: TIGHT_SIZES, controlplanes: 1 });
    expect(await refusal(fileOf([asked]))).toMatchObject([
      {
        code: "PLAN_DISKS_CANNOT_BE_CUT",
        subject: "sites[0].servers[0].disks",
        message: expect.stringContaining("ssd has 55 GiB, hdd has 45 GiB"),
      },
    ]);
  });

  it.each([
    ["PLAN_NO_FULL_SERVER", [server("w", { role: "witness" })], {}],
    [
      "PLAN_TOO_FEW_CONTROLPLANES",
      ["a", "v", "w"].map((name) => server(name, name === "a" ? {} : { role: "witness" })),
      { controlplanes: 1 },
    ],
    [
      "PLAN_PASSTHROUGH_NO_MACHINE",
      [server("a", { workers: 0, passthrough: [{ name: "gpu", pci: "0000:01:00.0", for: "worker" }] })],
      {},
    ],
    ["PLAN_TOO_MANY_ECAMS", Array.from({ length: 255 }, (_, index) => server(`s${index}`)), {}],
  ] satisfies [string, Server[], Partial<Site>][])("is refused as %s", async (code, servers, changes) => {
    const problems = await refusal(fileOf([site("attic", 11, servers, changes)]));
    expect(problems.map((problem) => problem.code)).toEqual([code]);
  });
});

function inputOf(file: FederationFile): SiteInput {
  return { file, site: file.federation.sites[0] as Site, path: "sites[0]", number: 1, previous: undefined };
}

/** Control planes by server; undefined where they do not fit. */
async function countsOf(input: SiteInput): Promise<readonly number[] | undefined> {
  try {
    const { seats } = await placeSite(input);
    const own = seats.filter(({ role }) => role === "controlplane");
    return input.site.servers.map((one) => own.filter((seat) => seat.server === one).length);
  } catch (error) {
    if (error instanceof PanopticonError) return undefined;
    throw error;
  }
}

/** The same by trying every way to cut every server's disks. */
function bestCounts(input: SiteInput): readonly number[] | undefined {
  let hosts: readonly Host[];
  try {
    hosts = hostsOf(input);
  } catch {
    return undefined;
  }
  const fits = (host: Host, count: number) => count <= host.room && canCut(input.site, host.server, count);
  if (hosts.some((host) => !fits(host, host.required))) return undefined;
  const units = orderUnits(input, hosts).filter(({ host, level }) => fits(host, level));
  const chosen = units.slice(0, input.site.controlplanes);
  if (
    chosen.length < input.site.controlplanes ||
    hosts.filter((host) => host.required > 0).length > input.site.controlplanes
  )
    return undefined;
  return hosts.map((host) => chosen.filter((unit) => unit.host === host).length);
}

function canCut({ sizes }: Site, { disks, ...rest }: Server, controlplanes: number): boolean {
  const load = loadOf({ disks, ...rest }, controlplanes);
  const roots = (["worker", "controlplane", "ecam"] as const).flatMap((role) =>
    Array<number>(load[role]).fill(sizes[role].diskGiB),
  );
  const place = (index: number, left: readonly number[]): boolean => {
    const root = roots[index];
    if (root === undefined) return true;
    return left.some((size, disk) => size >= root && place(index + 1, left.with(disk, size - root)));
  };
  return place(
    0,
    disks.map(({ sizeGiB }) => sizeGiB),
  );
}

async function refusal(file: FederationFile): Promise<readonly Problem[]> {
  try {
    await placeSite(inputOf(file));
  } catch (error) {
    if (error instanceof PanopticonError && error.exit === 1) return error.problems;
    throw error;
  }
  return [];
}
