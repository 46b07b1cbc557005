/** The planned machines' sizes, brought down to the box the lab runs on. */
import type { Limits } from "#drivers/lab/cgroups.ts";
import type { Role } from "#model/federation.ts";
import type { MachinePlan, Plan } from "#plan/plan.ts";

/** Below these a role does not start; limits are caps, not reservations, so the sum may be above the box. */
const FLOOR_MIB: Readonly<Record<Role, number>> = { ecam: 256, controlplane: 1536, worker: 1024 };
/** What is left to the host itself. */
const SHARE_OF_BOX = 0.9;

/** How much of its planned memory each machine may use: 1, or less where the plan is larger than the box. */
export function labScale(plan: Plan, boxBytes: number): number {
  const planned = plan.sites
    .flatMap((site) => site.machines)
    .reduce((sum, { memoryMiB }) => sum + memoryMiB, 0);
  return Math.min(1, (boxBytes * SHARE_OF_BOX) / 2 ** 20 / planned);
}

/** Processors as planned, memory caps by the scale, and what goes first when processors are short by the role. */
export function labLimits(plan: Plan, boxBytes: number): (machine: MachinePlan) => Limits {
  const scale = labScale(plan, boxBytes);
  return ({ role, memoryMiB, cpus }) => ({
    memoryMiB: Math.min(memoryMiB, Math.max(FLOOR_MIB[role], Math.floor(memoryMiB * scale))),
    cpus,
    cpuShares: 1024 * WEIGHT[role],
    realtime: role === "ecam",
  });
}

/**
 * Workers take the rest of a server and would have the most processors; what
 * everything waits for, the VIP and etcd, must not starve behind them. Nor must
 * they: a kubelet that gets no turn for some seconds loses its node.
 */
const WEIGHT: Readonly<Record<Role, number>> = { ecam: 8, controlplane: 8, worker: 4 };
