import { describe, expect, it } from "vitest";
import type { MachinePlan } from "#plan/plan.ts";
import { fixturePlan } from "../fixture.ts";
import { emitXl, xlSpecification } from "../formats/xl.ts";
import { domainFile, emitDomain } from "./config.ts";
import { usualGround, xenDomain, type XenType } from "./domain.ts";

const { plan, site } = fixturePlan();

function machine(change: Partial<MachinePlan> = {}): MachinePlan {
  const [first] = site.machines;
  if (first === undefined) throw new Error("the fixture lost its machines");
  return {
    ...first,
    disks: [
      { name: "data", from: "hdd", sizeGiB: 100 },
      { name: "root", from: "ssd", sizeGiB: 4 },
    ],
    ...change,
  };
}

const ground = (type: XenType, of = machine()) => ({ ...usualGround(plan, of), type });
const code = (work: () => unknown): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as { problems: { code: string }[] }).problems[0]?.code;
  }
};

describe("xl's format", () => {
  it("quotes strings so that xl reads them back, and refuses what it can't carry", () => {
    expect(emitXl([["name", 'a "b" \\ c']])).toBe('name = "a \\"b\\" \\\\ c"\n');
    expect(emitXl([["list", []]])).toBe("list = []\n");
    expect(emitXl([["left_out", undefined]])).toBe("\n");
    expect(code(() => emitXl([["name", "a\nb"]]))).toBe("RENDER_BAD_CHARACTER");
    expect(code(() => emitXl([["memory", 1.5]]))).toBe("RENDER_BAD_WORD");
    expect(code(() => emitXl([["memory", -1]]))).toBe("RENDER_BAD_WORD");
    expect(code(() => emitXl([["Name", "a"]]))).toBe("RENDER_BAD_WORD");
  });

  it("lets commas into a specification only at its end", () => {
    expect(xlSpecification([["vdev", "xvda"]], ["target", "/dev/a,b"])).toBe("vdev=xvda,target=/dev/a,b");
    expect(code(() => xlSpecification([["bridge", "a,script=/bin/sh"]]))).toBe("RENDER_BAD_WORD");
  });
});

describe("a domain", () => {
  it("has its root first and its memory fixed", () => {
    const file = domainFile(plan, site, machine(), ground("pv"));
    expect(file.path).toBe("/etc/panopticon/xen/home/attic-ecam-1.cfg");
    expect(file.content).toContain("memory = 1024\nmaxmem = 1024\n");
    expect(file.content).toContain(
      'disk = ["format=raw,vdev=xvda,access=rw,backendtype=phy,target=/dev/ssd/home.attic-ecam-1.root", ' +
        '"format=raw,vdev=xvdb,access=rw,backendtype=phy,target=/dev/hdd/home.attic-ecam-1.data"]\n',
    );
  });

  it("is given devices by their full address, but never as PVH", () => {
    const given = machine({ passthrough: [{ name: "card", pci: "01:00.0" }] });
    for (const type of ["pv", "hvm"] as const)
      expect(emitDomain(xenDomain(site, given, ground(type)))).toContain('\npci = ["0000:01:00.0"]\n');
    expect(code(() => xenDomain(site, given, ground("pvh")))).toBe("RENDER_XEN_PVH_PCI");
    expect(xenDomain(site, machine(), ground("pvh")).type).toBe("pvh");
    const wrong = machine({ passthrough: [{ name: "card", pci: "01:00.0,seize=1" }] });
    expect(code(() => xenDomain(site, wrong, ground("pv")))).toBe("RENDER_BAD_WORD");
  });

  it("has the type that its machine says, and as HVM no screen and no card but Xen's", () => {
    const text = (of: MachinePlan) => domainFile(plan, site, of, usualGround(plan, of)).content;
    expect(text(machine())).toContain('type = "pv"\n');
    expect(text(machine({ virtualization: "pvh" }))).toContain('type = "pvh"\n');
    const hvm = text(machine({ virtualization: "hvm" }));
    expect(hvm).toContain('type = "hvm"\n');
    expect(hvm).toContain('vga = "none"\nvnc = 0\n');
    expect(hvm).toMatch(/^vif = \["mac=.*,bridge=xenbr0,type=vif"\]$/m);
    for (const of of [machine(), machine({ virtualization: "pvh" })])
      expect(text(of)).not.toMatch(/vga|type=vif/);
  });

  it("has a MAC of Xen's, a uuid, and a name that is a word", () => {
    const change = (more: Partial<MachinePlan>) => () =>
      emitDomain(xenDomain(site, machine(more), ground("pv")));
    expect(code(change({ mac: "02:00:00:00:00:01" }))).toBe("RENDER_BAD_WORD");
    expect(code(change({ uuid: "none" }))).toBe("RENDER_BAD_WORD");
    expect(code(change({ name: "a'; rm" }))).toBe("RENDER_BAD_WORD");
  });
});
