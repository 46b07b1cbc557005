import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { FaultResult } from "#render/reports/drill.ts";
import { openDrillState } from "./state.ts";

const folder = mkdtempSync(join(tmpdir(), "drill-state-"));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("a drill's state", () => {
  it("is open from the first fault until the end, also for whoever comes after a kill", async () => {
    const state = openDrillState(folder, "plan");
    expect(state.open()).toBe(false);
    expect(await state.active()).toEqual([]);
    await state.setActive(["freeze:a"]);
    const next = openDrillState(folder, "plan");
    expect(next.open()).toBe(true);
    expect(await next.active()).toEqual(["freeze:a"]);
    await next.close();
    expect(state.open()).toBe(false);
  });

  it("keeps results for one plan only", async () => {
    const result = { id: "machine:a" } as FaultResult;
    await openDrillState(folder, "plan").keep(new Map([[result.id, result]]));
    expect([...(await openDrillState(folder, "plan").results()).keys()]).toEqual(["machine:a"]);
    expect((await openDrillState(folder, "other").results()).size).toBe(0);
  });
});
