import { describe, expect, it } from "vitest";
import type { MachinePlan, Plan } from "#plan/plan.ts";
import { labLimits, labScale } from "./lab-limits.ts";

const GIB = 2 ** 30;
const machine = (role: MachinePlan["role"], memoryMiB: number) =>
  ({ role, memoryMiB, cpus: 2 }) as MachinePlan;
const planOf = (...machines: MachinePlan[]) => ({ sites: [{ machines }] }) as unknown as Plan;

describe("a lab's limits", () => {
  const plan = planOf(machine("controlplane", 4096), machine("worker", 28672));

  it("are the plan's own where the box is large enough", () => {
    expect(labScale(plan, 64 * GIB)).toBe(1);
    expect(labLimits(plan, 64 * GIB)(machine("worker", 28672)).memoryMiB).toBe(28672);
  });

  it("shrink alike on a smaller box", () => {
    expect(labScale(plan, 16 * GIB)).toBeCloseTo(0.45);
    expect(labLimits(plan, 16 * GIB)(machine("worker", 28672)).memoryMiB).toBe(Math.floor(28672 * 0.45));
  });

  it("never fall below what a role starts with, nor rise above the plan", () => {
    const limits = labLimits(plan, 4 * GIB);
    expect(limits(machine("controlplane", 4096)).memoryMiB).toBe(1536);
    expect(limits(machine("controlplane", 1024)).memoryMiB).toBe(1024);
  });
});
