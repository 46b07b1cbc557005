/** What every file is rendered from: one machine, where it stands and what it stands on. */
import type { MachinePlan, Plan, SitePlan } from "#plan/plan.ts";
import { machinesOf } from "#plan/plan.ts";
import type { Platform } from "#render/files.ts";
import { refuse } from "./refuse.ts";

export interface Target {
  readonly plan: Plan;
  readonly site: SitePlan;
  readonly machine: MachinePlan;
  readonly platform: Platform;
}

/** A machine that runs a kubelet, with the pod network that every node has. */
export type Node = MachinePlan & { readonly podNetwork: string };

/** The Kubernetes nodes of a site, in plan order; RENDER_NO_POD_NETWORK where one has no pod network. */
export function nodesOf(site: SitePlan): readonly Node[] {
  return site.machines.filter((machine) => machine.role !== "ecam").map(asNode);
}

/** The machine as a node; RENDER_NO_POD_NETWORK where its plan gives it no pod network. */
export function asNode(machine: MachinePlan): Node {
  if (machine.podNetwork !== undefined) return { ...machine, podNetwork: machine.podNetwork };
  throw refuse(
    "RENDER_NO_POD_NETWORK",
    "the plan gives this node no pod network",
    "make the plan again",
    machine.name,
  );
}

/** An ECAM with its VRRP priority. */
export type Ecam = MachinePlan & { readonly priority: number };

/** The ECAMs of a site, in plan order; RENDER_NO_PRIORITY where one has no VRRP priority. */
export function ecamsOf(site: SitePlan): readonly Ecam[] {
  return machinesOf(site, "ecam").map((machine) => {
    if (machine.priority !== undefined) return { ...machine, priority: machine.priority };
    throw refuse(
      "RENDER_NO_PRIORITY",
      "the plan gives this ECAM no VRRP priority",
      "make the plan again",
      machine.name,
    );
  });
}
