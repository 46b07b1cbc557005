/**
 * The judgement of servers. `host.txt` is what the script wrote on the emulated
 * server of test/xen, with its volume group made and nothing on it; what that
 * one does not lack is taken from it here.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseFederation } from "#model/parse.ts";
import { serverBlock, serverName } from "./block.ts";
import { type HostFacts, readHost } from "./facts.ts";
import { couldCarry, judgeServer } from "./findings.ts";
import { chooseFixes, MENDABLE, refuseUnknownFixes } from "./fix.ts";
import { pinnedMiB } from "./dom0-memory.ts";

const recorded = readFileSync(join(import.meta.dirname, "../fixtures/host.txt"), "utf8");
const real = readHost("left", recorded);
const wanted = { dom0MiB: 2048 };

const codes = (facts: HostFacts): readonly string[] => judgeServer(facts, wanted).map(({ code }) => code);

/** The real one without what it lacks. */
const whole: HostFacts = {
  ...real,
  time: { active: ["systemd-timesyncd"], synchronized: true, timesyncdThere: true },
  pciback: { loaded: true, there: true, atBoot: true },
  xendomains: { savesGuests: false, startsGuests: true, enabled: true },
  xen: {
    ...real.xen,
    info: real.xen.info && { ...real.xen.info, capabilities: new Set(["pv", "pv_directio"]) },
  },
};

describe("a real server's facts", () => {
  it("are read", () => {
    expect(real).toMatchObject({
      hostname: "dom0",
      root: true,
      release: { id: "debian", version: "12" },
      xen: { dom0: true, under: true, installed: true, info: { cpus: 2 } },
      missingPrograms: [],
      network: { management: { name: "xenbr0" }, gateway: "10.11.0.1", managers: ["systemd-networkd"] },
      groups: [{ name: "ssd", on: ["/dev/vdb"] }],
    });
    expect(real.network.links.find(({ name }) => name === "eth1")).toMatchObject({
      master: "xenbr0",
      card: true,
    });
    expect(real.disks.map(({ name, empty }) => [name, empty])).toContainEqual(["vdb", false]);
    expect(real.needed.map(({ address }) => address)).toContain("0000:00:03.0");
  });

  it("that can't be read are an error with its place", () => {
    const broken = recorded.replace('[{"ifindex"', '[{"ifindex');
    expect(() => readHost("left", broken)).toThrow("SERVER_UNREADABLE");
  });
});

describe("findings", () => {
  it("of the real one are its guests' saving, its clock and its IOMMU", () => {
    expect(codes(real)).toEqual(["SERVER_SAVES_GUESTS", "SERVER_NO_TIME", "SERVER_NO_IOMMU"]);
    expect(couldCarry(judgeServer(real, wanted))).toBe(false);
  });

  it("are none where nothing is lacking", () => {
    expect(judgeServer(whole, wanted)).toEqual([]);
    expect(couldCarry([])).toBe(true);
  });

  const links = (
    edit: (link: HostFacts["network"]["links"][number]) => Partial<typeof link> | undefined,
  ) => ({
    network: {
      ...whole.network,
      links: whole.network.links.flatMap((link) => {
        const changes = edit(link);
        return changes ? [{ ...link, ...changes }] : [];
      }),
    },
  });
  const group = { name: "ssd", forMachinesGiB: 63, on: ["/dev/vdb"] };
  const disk = { ...(whole.disks[0] as HostFacts["disks"][number]), empty: true, holds: "" };
  const cases: readonly (readonly [code: string, changes: Partial<HostFacts>])[] = [
    ["SERVER_NOT_DEBIAN", { release: { id: "alpine", version: "3.22", title: "Alpine Linux" } }],
    ["SERVER_RELEASE_UNTRIED", { release: { id: "debian", version: "11", title: "Debian 11" } }],
    ["SERVER_NO_PROGRAM", { missingPrograms: ["lspci"] }],
    [
      "SERVER_NO_XEN",
      { xen: { dom0: false, under: false, installed: true, info: undefined, commandLine: "" } },
    ],
    ["SERVER_MEMORY_OPEN", { xen: { ...whole.xen, commandLine: "dom0_mem=2G" } }],
    [
      "SERVER_REBOOT",
      {
        xen: { ...whole.xen, commandLine: "" },
        boot: { canUpdateGrub: true, nextCommandLine: "multiboot2 /boot/xen dom0_mem=2G,max:2G" },
      },
    ],
    ["SERVER_NO_BRIDGE", links((link) => (link.name === "xenbr0" ? undefined : {}))],
    ["SERVER_BRIDGE_ALONE", links((link) => (link.name === "eth1" ? { master: "" } : {}))],
    ["SERVER_BRIDGE_WAITS", links((link) => (link.name === "xenbr0" ? { waitSeconds: 30 } : {}))],
    ["SERVER_NO_GROUP", { groups: [] }],
    ["SERVER_GROUP_NAME", { groups: [group, { ...group, name: "VG_0" }] }],
    ["SERVER_GROUP_SPREAD", { groups: [{ ...group, on: ["/dev/sdb", "/dev/sdc"] }] }],
    ["SERVER_DISK_IDLE", { disks: [disk] }],
    ["SERVER_SAVES_GUESTS", { xendomains: { ...whole.xendomains, savesGuests: true } }],
    ["SERVER_STARTS_NO_GUESTS", { xendomains: { ...whole.xendomains, enabled: false } }],
    ["SERVER_NO_TIME", { time: { active: [], synchronized: false, timesyncdThere: true } }],
    ["SERVER_TIME_UNSURE", { time: { active: ["chrony"], synchronized: false, timesyncdThere: true } }],
    ["SERVER_NO_IOMMU", { xen: { ...whole.xen, info: real.xen.info } }],
    ["SERVER_NO_PCIBACK", { pciback: { loaded: true, there: true, atBoot: false } }],
  ];

  it.each(cases)("%s appears for what it is said of, alone, and has words", (code, changes) => {
    const found = judgeServer({ ...whole, ...changes }, wanted);
    expect(found.map((finding) => finding.code)).toContain(code);
    // Without Xen nothing is known of what Xen would have told.
    expect(found).toHaveLength(1);
    for (const { what, why, todo } of found) expect([what, why, todo].every(Boolean)).toBe(true);
  });

  it("has every mendable one among these cases, with a way to mend it", () => {
    const mendable = cases.flatMap(([, changes]) =>
      judgeServer({ ...whole, ...changes }, wanted).filter(({ fix }) => fix !== undefined),
    );
    expect(new Set(mendable.map(({ code }) => code))).toEqual(
      new Set(MENDABLE.filter((code) => code !== "SERVER_MEMORY_OPEN")),
    );
    const grub = {
      ...whole,
      xen: { ...whole.xen, commandLine: "" },
      boot: { canUpdateGrub: true, nextCommandLine: undefined },
    };
    const [finding] = judgeServer(grub, wanted);
    expect(finding?.fix?.files[0]?.content).toContain("dom0_mem=2048M,max:2048M");
  });

  it("shows the bridge's files for the card that the server is managed by, and never writes them itself", () => {
    const eth1 = whole.network.links.find(({ name }) => name === "eth1");
    const xenbr0 = whole.network.links.find(({ name }) => name === "xenbr0");
    if (!eth1 || !xenbr0) throw new Error("the fixture lost its links");
    const card = { ...eth1, master: "", addresses: xenbr0.addresses };
    const [finding] = judgeServer(
      { ...whole, network: { ...whole.network, links: [card], management: card } },
      wanted,
    );
    expect(finding).toMatchObject({ code: "SERVER_NO_BRIDGE" });
    expect(finding?.fix).toBeUndefined();
    expect(finding?.files?.map(({ content }) => content).join("")).toContain(
      "Address=10.11.0.2/24\nGateway=10.11.0.1",
    );
  });
});

describe("fixes", () => {
  const lacking = { ...whole, xendomains: { ...whole.xendomains, savesGuests: true } };
  const findings = judgeServer({ ...lacking, groups: [] }, wanted);

  it("are those that were asked for", () => {
    expect(chooseFixes(findings, [])).toEqual([]);
    expect(chooseFixes(findings, ["all"]).map(({ code }) => code)).toEqual(["SERVER_SAVES_GUESTS"]);
    expect(chooseFixes(findings, ["SERVER_NO_TIME"])).toEqual([]);
  });

  it("are refused where they are none", () => {
    expect(() => chooseFixes(judgeServer(real, wanted), ["SERVER_NO_TIME"])).toThrow("SERVER_NO_FIX");
    expect(() => refuseUnknownFixes(["SERVER_SAVE_GUESTS"])).toThrow("SERVER_SAVES_GUESTS");
    expect(() => refuseUnknownFixes(["all", "SERVER_NO_TIME"])).not.toThrow();
  });
});

describe("the block for the file", () => {
  const file = (block: string): string => `apiVersion: panopticon/v1
kind: Federation
name: home
domain: home.test
crown: shed
sites:
  - name: shed
    controlplanes: 1
    network: { lan: 10.11.0.0/24, gateway: 10.11.0.1, external: 203.0.113.1 }
    servers:
${block}`;

  const info = real.xen.info && { ...real.xen.info, cpus: 8, totalMemoryMiB: 32_767 };
  const groups = real.groups.map((group) => ({ ...group, forMachinesGiB: 500 }));
  const large: HostFacts = { ...real, xen: { ...real.xen, info }, groups };

  it("is read by the model as it is", () => {
    const { federation } = parseFederation(file(serverBlock(large, wanted) ?? ""), "home.yaml");
    expect(federation.sites[0]).toMatchObject({
      servers: [
        { name: "dom0", address: "10.11.0.2", cpus: 8, dom0MemoryMiB: 1200, disks: [{ name: "ssd" }] },
      ],
    });
  });

  it("offers no device that dom0 stands on, and says why", () => {
    const block = serverBlock(whole, wanted) ?? "";
    const [offered = "", kept = ""] = block.split("# Not to be passed through:");
    expect(offered).toContain('pci: "0000:00:10.0"');
    expect(offered).not.toContain("0000:00:03.0");
    expect(kept).toContain("0000:00:03.0");
  });

  it("says where the processor could do more, in a comment that may be taken in", () => {
    expect(serverBlock(large, wanted)).not.toContain("virtualization");
    const able = {
      ...large,
      xen: { ...large.xen, info: info && { ...info, capabilities: new Set(["hvm"]) } },
    };
    const block = (serverBlock(able, wanted) ?? "").replace("# virtualization", "virtualization");
    const { federation } = parseFederation(file(block), "home.yaml");
    expect(federation.sites[0]?.servers[0]?.virtualization).toBe("hardware");
  });

  it("stays readable whatever a device calls itself", () => {
    const devices = [{ address: "0000:01:00.0", kind: "0200", name: "Card\n  pci: x\u0000" }];
    const block = serverBlock({ ...large, devices }, wanted) ?? "";
    expect(() => parseFederation(file(block), "home.yaml")).not.toThrow();
  });

  it("is not made where sizes are not known", () => {
    expect(serverBlock({ ...whole, groups: [] }, wanted)).toBeUndefined();
  });

  it.each([
    ["Left.home.example", "left"],
    ["xen_01", "xen-01"],
    ["01", "server"],
    ["a-very-long-name-of-a-host", "a-very-long-name-of"],
  ])("calls %s %s", (hostname, name) => {
    expect(serverName(hostname)).toBe(name);
  });
});

it.each([
  ["dom0_mem=2048M,max:2048M", 2048],
  ["dom0_mem=2G,max:2G", 2048],
  ["dom0_mem=2097152,max:2G", 2048],
  ["dom0_mem=2G", undefined],
  ["dom0_mem=2G,max:4G", undefined],
  ["", undefined],
])("%s pins dom0 to %s MiB", (line, mib) => {
  expect(pinnedMiB(line)).toBe(mib);
});
