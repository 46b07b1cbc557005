import { describe, expect, it } from "vitest";
import type { MachinePlan, SitePlan } from "#plan/plan.ts";
import { labNames } from "./names.ts";

const site = { name: "a-site-of-twenty-chr", number: 250 } as SitePlan;
const machine = { name: `${site.name}-worker-112` } as MachinePlan;

describe("a lab's names", () => {
  it("fit into an interface's 15 characters, whatever the site is called", () => {
    const names = labNames("a-federation-with-a-long-name");
    expect(names.operator(site).length).toBeLessThanOrEqual(15);
    expect(names.port(site, machine)).toBe("worker-112");
  });

  it("start with a prefix that no other federation's share", () => {
    const home = labNames("home");
    for (const other of ["homes", "home-lan", "home-machine"].map(labNames)) {
      expect(other.lan(site).startsWith(home.prefix)).toBe(false);
      expect(other.machine(machine.name).startsWith(home.prefix)).toBe(false);
      expect(other.operator(site).startsWith(home.hostInterfacePrefix)).toBe(false);
      expect(other.nspawn(machine.name)).not.toBe(home.nspawn(machine.name));
    }
  });
});
