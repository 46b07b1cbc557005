import { describe, expect, it } from "vitest";
import type { CrownSpec } from "../api/crown.ts";
import { farewellOf, readmitted, wasRemoved, withLeaving, withoutSite } from "./departure.ts";
import { eligible } from "./epoch.ts";

const at = "2026-01-01T00:00:00Z";
const crown: CrownSpec = {
  epoch: 1001,
  holder: "attic",
  sites: ["attic", "barn", "cellar"].map((name, index) => ({
    name,
    kind: "on-prem",
    seat: index + 1,
    endpoints: [],
  })),
  history: [],
};

describe("a site that leaves", () => {
  it("is told how, and can't be crowned any more", () => {
    const told = withLeaving(crown, "cellar", "drain");
    expect([farewellOf(told, "cellar"), farewellOf(told, "barn")]).toEqual(["drain", undefined]);
    expect(wasRemoved(told, "cellar")).toBe(false);
    expect(() => eligible(told, "cellar")).toThrow(/leaving/);
    expect(farewellOf(withLeaving(told, "cellar", "orphan"), "cellar")).toBe("orphan");
  });

  it("is off the list then, knows that wherever it comes back from, and leaves its seat to nobody", () => {
    const gone = withoutSite(withoutSite(crown, "cellar", "orphan", at), "barn", "drain", at);
    expect(gone.sites.map(({ name }) => name)).toEqual(["attic"]);
    expect(gone.lastSeat).toBe(3);
    expect([farewellOf(gone, "cellar"), farewellOf(gone, "barn")]).toEqual(["orphan", "drain"]);
    expect([wasRemoved(gone, "cellar"), wasRemoved(gone, "attic"), wasRemoved(gone, "new")]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("may join again once it is let in, and with no word of the past", () => {
    const again = readmitted(withoutSite(crown, "cellar", "drain", at), "cellar");
    expect(wasRemoved(again, "cellar")).toBe(false);
    expect(farewellOf(again, "cellar")).toBeUndefined();
    expect(again.lastSeat).toBe(3);
    expect(() => readmitted(crown, "barn")).toThrow(/no site "barn" was removed/);
  });

  it.each([
    ["the holder of the crown", crown, "attic", /holds the crown/],
    ["a site that there is not", crown, "loft", /no site "loft"/],
    [
      "anybody while the crown is being moved",
      { ...crown, frozen: { to: "barn", at } },
      "cellar",
      /being moved to barn/,
    ],
  ])("is never %s", (_, now, site, words) => {
    expect(() => withLeaving(now, site, "drain")).toThrow(words);
    expect(() => withoutSite(now, site, "drain", at)).toThrow(words);
  });
});
