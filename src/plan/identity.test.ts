import { expect, it } from "vitest";
import { allotMacs, machineUuid, macOf } from "./identity.ts";

it("gives the same MAC and uuid for the same name, below Xen's prefix", () => {
  const macs = allotMacs("home", ["attic-cp-1", "attic-cp-2"], new Map());
  expect(macs).toEqual(allotMacs("home", ["attic-cp-1", "attic-cp-2"], new Map()));
  expect([...macs.values()]).toEqual([
    expect.stringMatching(/^00:16:3e(:[0-9a-f]{2}){3}$/),
    expect.any(String),
  ]);
  expect(machineUuid("home", "attic-cp-1")).not.toBe(machineUuid("away", "attic-cp-1"));
});

it("takes a name's next MAC where another machine has the first, and never takes one away", () => {
  const first = macOf("home", "attic-cp-1", 0);
  const kept = new Map([["cellar-cp-1", first]]);
  const macs = allotMacs("home", ["attic-cp-1", "cellar-cp-1"], kept);
  expect(macs.get("cellar-cp-1")).toBe(first);
  expect(macs.get("attic-cp-1")).toBe(macOf("home", "attic-cp-1", 1));
});

it("keeps 20,000 machines apart, where names alone would not", () => {
  const names = Array.from({ length: 20_000 }, (_, index) => `site-worker-${index}`);
  expect(new Set(names.map((name) => macOf("home", name, 0))).size).toBeLessThan(names.length);
  expect(new Set(allotMacs("home", names, new Map()).values()).size).toBe(names.length);
});
