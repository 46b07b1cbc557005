/** What every hypervisor must do, whatever it stands on; run by each driver's own test. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MachinePlan, SitePlan } from "#plan/plan.ts";
import type { RenderedFile } from "#render/files.ts";
import type { Hypervisor, ObservedMachine } from "./hypervisor.ts";

export interface HypervisorFixture {
  readonly hypervisor: Hypervisor;
  readonly site: SitePlan;
  /** Two machines of the site. */
  readonly machines: readonly [MachinePlan, MachinePlan];
  readonly seed: readonly RenderedFile[];
  /** Takes away what the suite left on the ground. */
  readonly clean: () => Promise<void>;
}

/** @param open gives a ground on which nothing of the site is there yet. */
export function describeHypervisor(name: string, open: () => Promise<HypervisorFixture>): void {
  describe(`hypervisor: ${name}`, () => {
    let fixture: HypervisorFixture;

    beforeAll(async () => {
      fixture = await open();
    });
    afterAll(() => fixture.clean());

    const seen = async (): Promise<readonly ObservedMachine[]> => {
      const observed = await fixture.hypervisor.observe(fixture.site);
      return [...observed].sort((left, right) => left.name.localeCompare(right.name));
    };
    const stateOf = (machine: MachinePlan, state: ObservedMachine["state"]): ObservedMachine => ({
      name: machine.name,
      uuid: machine.uuid,
      state,
    });

    it("says what the site lacks until it is prepared, and knows no machine", async () => {
      const { hypervisor, site } = fixture;
      expect(await hypervisor.lacks(site)).not.toEqual([]);
      expect(await seen()).toEqual([]);
      await hypervisor.prepare(site);
      expect(await hypervisor.lacks(site)).toEqual([]);
      await hypervisor.prepare(site);
      expect(await hypervisor.lacks(site)).toEqual([]);
    });

    it("makes and starts a machine once, however often it is told", async () => {
      const { hypervisor, site, machines, seed } = fixture;
      for (const machine of machines) await hypervisor.start(site, machine, seed);
      const both = machines.map((machine) => stateOf(machine, "running"));
      expect(await seen()).toEqual(both);
      await hypervisor.start(site, machines[0], seed);
      expect(await seen()).toEqual(both);
    });

    it("cuts the power of one machine and leaves the other", async () => {
      const { hypervisor, site, machines } = fixture;
      await hypervisor.kill(site, machines[0].name);
      expect(await seen()).toEqual([stateOf(machines[0], "stopped"), stateOf(machines[1], "running")]);
      await hypervisor.kill(site, machines[0].name);
      expect(await seen()).toEqual([stateOf(machines[0], "stopped"), stateOf(machines[1], "running")]);
    });

    it("starts a machine that was off as the same one", async () => {
      const { hypervisor, site, machines, seed } = fixture;
      await hypervisor.start(site, machines[0], seed);
      expect(await seen()).toEqual(machines.map((machine) => stateOf(machine, "running")));
    });

    it("removes a machine, running or not, and forgets it", async () => {
      const { hypervisor, site, machines } = fixture;
      await hypervisor.kill(site, machines[1].name);
      for (const { name: machine } of machines) await hypervisor.remove(site, machine);
      expect(await seen()).toEqual([]);
      await hypervisor.remove(site, machines[0].name);
    });
  });
}
