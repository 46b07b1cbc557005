/** What every ground's faults must do; run by each driver's own test on machines that run. */
import { afterAll, describe, expect, it, vi } from "vitest";
import type { SitePlan } from "#plan/plan.ts";
import type { Faults } from "./faults.ts";

export interface FaultsSubject {
  readonly faults: Faults;
  readonly site: SitePlan;
  /** Two running machines that answer each other. */
  readonly machines: readonly [string, string];
  readonly addressOf: (machine: string) => string;
  /** Whether one machine reaches an address, asked of that machine. */
  readonly reaches: (machine: string, address: string) => Promise<boolean>;
  /** Whether a machine answers us. */
  readonly answers: (machine: string) => Promise<boolean>;
  /** Whether an external address of the site answers whoever stands in the internet. */
  readonly answersOutside: (address: string) => Promise<boolean>;
}

const SOON = { timeout: 15_000, interval: 200 };

/** Declares the suite; `subject` is asked for in every test, after the driver's own set-up. */
export function describeFaults(name: string, subject: () => FaultsSubject): void {
  describe(`${name} as Faults`, () => {
    afterAll(() => subject().faults.restore(subject().site));

    it("cuts a link one way, then the other, and takes both back", async () => {
      const { faults, site, machines, reaches, addressOf } = subject();
      const [left, right] = machines;
      expect(await reaches(left, addressOf(right))).toBe(true);
      await faults.cutLink(site, right, left);
      expect(await reaches(left, addressOf(right))).toBe(false);
      await faults.restore(site);
      await vi.waitFor(async () => expect(await reaches(left, addressOf(right))).toBe(true), SOON);
    });

    it("freezes a machine, which then answers nobody, and thaws it as it was", async () => {
      const { faults, site, machines, answers, addressOf } = subject();
      const [, other] = machines;
      expect(await faults.answering(site, addressOf(other))).toEqual([other]);
      await faults.freeze(site, other);
      await faults.freeze(site, other);
      expect(await answers(other)).toBe(false);
      expect(await faults.answering(site, addressOf(other))).toEqual([]);
      await faults.restore(site);
      await vi.waitFor(async () => expect(await answers(other)).toBe(true), SOON);
      expect(await faults.answering(site, addressOf(other))).toEqual([other]);
    });

    it.each(["loseRouter", "cutLine", "removeAddress"] as const)(
      "%s: silence outside, until it is taken back",
      async (fault) => {
        const { faults, site, answersOutside } = subject();
        const [external = ""] = site.network.external;
        expect(await answersOutside(external)).toBe(true);
        for (let times = 0; times < 2; times++) {
          if (fault === "removeAddress") await faults.removeAddress(site, external);
          else await faults[fault](site);
        }
        expect(await answersOutside(external)).toBe(false);
        await faults.restore(site);
        await faults.restore(site);
        await vi.waitFor(async () => expect(await answersOutside(external)).toBe(true), SOON);
      },
    );

    it("cuts the power of several machines at once, frozen ones too", async () => {
      const { faults, site, machines, answers, addressOf } = subject();
      await faults.freeze(site, machines[1]);
      await faults.cutPower(site, machines);
      for (const machine of machines) {
        expect(await faults.answering(site, addressOf(machine))).toEqual([]);
        expect(await answers(machine)).toBe(false);
      }
      await faults.cutPower(site, machines);
      await faults.restore(site);
    });
  });
}
