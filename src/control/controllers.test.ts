import { describe, expect, it } from "vitest";
import type { CrownSpec } from "#control/federation/api/crown.ts";
import { openFresh } from "#control/federation/agent/fresh.ts";
import { openGraves } from "#control/federation/agent/graves.ts";
import { openReports } from "#control/federation/agent/reports.ts";
import { systemClock } from "#control/runtime/clock.ts";
import { refuseTwoOwners } from "#control/runtime/outputs.ts";
import { siteControllers } from "./controllers.ts";

describe("the list of controllers", () => {
  it.each([
    [true, "on-prem"],
    [false, "on-prem"],
    [false, "cloud"],
  ] as const)("has one owner for each output (at the hub: %s, %s)", (holds, kind) => {
    const site = { name: "attic", kind, seat: 1, endpoints: [] };
    const crown: CrownSpec = { epoch: 1001, holder: "attic", sites: [site], history: [] };
    const own = { reports: openReports(), graves: openGraves(), fresh: openFresh(), leave: () => undefined };
    const term = { site: "attic", crown, holds, clock: systemClock, ...own };
    const controllers = siteControllers(term, site, async () => undefined, "key");
    refuseTwoOwners(controllers);
    const owned = controllers.flatMap(({ outputs }) => outputs);
    expect(owned.every(({ part }) => part !== undefined)).toBe(true);
  });
});
