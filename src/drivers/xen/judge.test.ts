/** What the driver concludes from a server's facts; the facts here are made up. */
import { describe, expect, it } from "vitest";
import type { MachinePlan } from "#plan/plan.ts";
import { domainFile } from "#render/xen/config.ts";
import { usualGround, type XenDomain, xenDomain, type XenType } from "#render/xen/domain.ts";
import { fixturePlan } from "#render/fixture.ts";
import type { RunningDomain } from "./domains.ts";
import { differences } from "./drift.ts";
import { parseEnds } from "./ends.ts";
import type { ServerFacts } from "./facts.ts";
import {
  ownDomain,
  refuseDevices,
  refuseMemory,
  refuseShrinking,
  refuseSpace,
  refuseType,
} from "./refuse.ts";
import { parseStates } from "./states.ts";

const { plan, site } = fixturePlan();
const [planned] = site.machines;
if (planned === undefined) throw new Error("the fixture lost its machines");
const machine: MachinePlan = { ...planned, disks: [{ name: "root", from: "ssd", sizeGiB: 4 }] };
const ground = usualGround(plan, machine);
const domain = xenDomain(site, machine, ground);

/** The domain as xl would show it. */
function runningAs(wanted: XenDomain): RunningDomain {
  const memory = wanted.memoryMiB * 1024;
  const { name, uuid, type, kernel, ramdisk, vcpus, nics, disks, pci, onCrash } = wanted;
  const cmdline = `root=${wanted.root} ${wanted.extra}`;
  const memories = { maxMemoryKiB: memory, targetMemoryKiB: memory };
  return { name, uuid, type, kernel, ramdisk, cmdline, vcpus, ...memories, nics, disks, pci, onCrash };
}

const FACTS: ServerFacts = {
  info: {
    version: "4.17.7",
    totalMemoryMiB: 4096,
    freeMemoryMiB: 2048,
    cpus: 2,
    capabilities: new Set(["pv", "pv_directio"]),
  },
  dom0MiB: 1200,
  domains: [],
  files: new Map(),
  autostart: new Set(),
  images: new Set(),
  bridges: new Set(["xenbr0"]),
  volumes: new Map(),
  groups: new Map([["ssd", 8192]]),
  devices: ["0000:00:04.0", "0000:01:00.0"].map((address) => ({ address, kind: "0200", model: "8086:10d3" })),
  needed: [{ address: "0000:00:04.0", why: "the disk vda, which dom0 uses" }],
  assignable: new Set(),
  ends: new Map(),
  savesGuests: false,
};

const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as { problems: { code: string }[] }).problems[0]?.code;
  }
};

describe("drift", () => {
  const file = domainFile(plan, site, machine, ground).content;
  const found = (change: Partial<Parameters<typeof differences>[0]>): readonly string[] =>
    differences({
      planned: file,
      domain,
      file,
      running: runningAs(domain),
      autostart: true,
      disks: [],
      ...change,
    }).map(({ where, what }) => `${where}: ${what}`);

  it("is none where file and domain are as planned, or where none runs", () => {
    expect(found({})).toEqual([]);
    expect(found({ running: undefined })).toEqual([]);
  });

  it("is each thing that differs, in words", () => {
    expect(found({ file: undefined, autostart: false })).toEqual([
      "file: its configuration file is not there",
      "autostart: does not start when its server boots",
    ]);
    expect(found({ file: `${file.replace("vcpus = 1", "vcpus = 2")}cpus = "0"\n` })).toEqual([
      "file: vcpus is 2, planned 1",
      'file: cpus is "0", planned not set',
    ]);
    const running = {
      ...runningAs(domain),
      targetMemoryKiB: 200 * 1024,
      nics: [],
      disks: [...domain.disks, { vdev: "xvdz", target: "/dev/sdb" }],
      pci: ["0000:01:00.0"],
    };
    expect(found({ running })).toEqual([
      "domain: memory: 200 MiB, planned 1024 MiB",
      `domain: lacks network card ${machine.mac} at xenbr0`,
      "domain: has disk xvdz on /dev/sdb, which is not planned",
      "domain: has device 0000:01:00.0, which is not planned",
    ]);
  });
});

describe("a disk's size", () => {
  const file = domainFile(plan, site, machine, ground).content;
  const found = (foundMiB: number) =>
    differences({
      planned: file,
      domain,
      file,
      autostart: true,
      disks: [{ name: "root", plannedGiB: 4, foundMiB }],
    });

  it("is as planned also where LVM rounded it up, or does not say it", () => {
    for (const mib of [4096, 4096 + 1020, Number.NaN]) expect(found(mib)).toEqual([]);
  });

  it("is mended by growth alone", () => {
    expect(found(2048)).toMatchObject([
      {
        where: "disk",
        what: "disk root: 2 GiB, planned 4 GiB (its file system grows when it next boots)",
        restart: false,
      },
    ]);
    expect(codeOf(() => refuseShrinking(site, found(2048)))).toBeUndefined();
    expect(found(8192)).toMatchObject([
      { what: "disk root: 8 GiB, planned 4 GiB, and a disk is never made smaller", never: true },
    ]);
    expect(codeOf(() => refuseShrinking(site, found(8192)))).toBe("XEN_DISK_SHRINKS");
  });
});

describe("refused", () => {
  const of = (change: Partial<MachinePlan>, type: XenType = "pv") =>
    xenDomain(site, { ...machine, ...change }, { ...ground, type });
  const running = { domid: 7, memoryMiB: 64, state: "running", seconds: 1 } as const;

  it("is a domain of our name that is not ours", () => {
    const own = { name: machine.name, uuid: machine.uuid, ...running };
    expect(ownDomain("left", { ...FACTS, domains: [own] }, machine)).toBe(own);
    expect(ownDomain("left", FACTS, machine)).toBeUndefined();
    const foreign = { ...own, uuid: "00000000-0000-0000-0000-000000000001" };
    expect(codeOf(() => ownDomain("left", { ...FACTS, domains: [own, foreign] }, machine))).toBe(
      "XEN_FOREIGN_DOMAIN",
    );
  });

  it("is memory that is not there, Xen's own share included", () => {
    expect(codeOf(() => refuseMemory("left", FACTS, of({ memoryMiB: 2048 })))).toBe("XEN_NO_MEMORY");
    expect(codeOf(() => refuseMemory("left", FACTS, of({ memoryMiB: 1900 })))).toBeUndefined();
  });

  it("is a disk that there is no room for", () => {
    const wanted = (group: string, mib: number) => () =>
      refuseSpace("left", FACTS, machine.name, new Map([[group, mib]]));
    expect(codeOf(wanted("hdd", 1))).toBe("XEN_NO_GROUP");
    expect(codeOf(wanted("ssd", 8193))).toBe("XEN_NO_SPACE");
    expect(codeOf(wanted("ssd", 8192))).toBeUndefined();
  });

  it("is a type that the processor does not give", () => {
    const typed = (type: XenType, ...capabilities: readonly string[]) =>
      codeOf(() =>
        refuseType(
          "left",
          { ...FACTS, info: { ...FACTS.info, capabilities: new Set(capabilities) } },
          of({}, type),
        ),
      );
    expect(typed("pv", "pv")).toBeUndefined();
    for (const type of ["pvh", "hvm"] as const) {
      expect(typed(type, "pv", "pv_directio")).toBe("XEN_NO_HVM");
      expect(typed(type, "pv", "hvm")).toBeUndefined();
    }
  });

  it("is a device that is missing, that dom0 stands on, or that nothing shields", () => {
    const given = (pci: string, type: "pv" | "hvm" = "pv") =>
      codeOf(() => refuseDevices("left", FACTS, of({ passthrough: [{ name: "card", pci }] }, type)));
    expect(given("0000:02:00.0")).toBe("XEN_NO_DEVICE");
    expect(given("00:04.0")).toBe("XEN_DEVICE_NEEDED");
    expect(given("01:00.0")).toBeUndefined();
    expect(given("01:00.0", "hvm")).toBe("XEN_NO_IOMMU"); // the server has pv_directio only
  });
});

describe("a domain's state", () => {
  const line = (name: string, memory: number, letters: string): string =>
    `${name.padEnd(40)}     7 ${String(memory).padStart(5)}     1     ${letters}       0.0 ${machine.uuid}        -                -`;
  const stateOf = (name: string, memory: number, letters: string): string | undefined =>
    parseStates(line(name, memory, letters))[0]?.state;

  it("is read from xl's letters, whatever the name", () => {
    expect(stateOf("a - b  c", 256, "-b----")).toBe("running");
    expect(stateOf("a", 256, "------")).toBe("running");
    expect(stateOf("a", 256, "--p---")).toBe("paused");
    expect(stateOf("a", 0, "--p---")).toBe("building");
    expect(stateOf("(null)", 256, "--p---")).toBe("building");
    expect(stateOf("a", 256, "---sc-")).toBe("crashed");
    expect(stateOf("a", 256, "---sw-")).toBe("crashed");
    expect(stateOf("a", 256, "---s--")).toBe("stopped");
    expect(stateOf("a", 256, "---sr-")).toBe("stopped");
    expect(parseStates(line("a - b  c", 256, "-b----"))[0]?.name).toBe("a - b  c");
  });

  it("of one that is gone is what its log says last", () => {
    const crash = "Domain 3 has shut down, reason code 3 0x3\n";
    const off = "Domain 4 has shut down, reason code 0 0x0\n";
    expect(parseEnds(crash)).toEqual({ last: "crashed", crashes: 1 });
    expect(parseEnds(crash + crash + off)).toEqual({ last: "stopped", crashes: 2 });
    expect(parseEnds(`${crash}Domain 3 has been destroyed.\n`)).toEqual({ last: "stopped", crashes: 1 });
    expect(parseEnds("")).toEqual({ last: "none", crashes: 0 });
  });
});
