/**
 * A server's machines taken over by another one: they keep all that they are
 * called by (names, addresses, MACs, uuids, pod networks), so that the cluster,
 * the name servers and the other ECAMs need to learn nothing.
 */
import { diffPlans } from "./difference.ts";
import type { MachinePlan, Plan } from "./plan.ts";

/** Which server of a site is replaced by which; both may have one name, on new hardware. */
export interface Replacement {
  readonly site: string;
  readonly old: string;
  readonly fresh: string;
}

/** The previous plan as if the machines of the old server had stood on the fresh one: what planning takes it for, it keeps. */
export function takenOver(previous: Plan, { site, old, fresh }: Replacement): Plan {
  const moved = <T extends { readonly server: string }>(machine: T): T =>
    machine.server === old ? { ...machine, server: fresh } : machine;
  return {
    ...previous,
    sites: previous.sites.map((each) =>
      each.name === site
        ? {
            ...each,
            servers: each.servers.map((server) =>
              server.name === old ? { ...server, name: fresh } : server,
            ),
            machines: each.machines.map(moved),
          }
        : each,
    ),
  };
}

/** The machines that a server of a site carries. */
export function machinesOn(plan: Plan, site: string, server: string): readonly MachinePlan[] {
  const found = plan.sites.find(({ name }) => name === site);
  return (found?.machines ?? []).filter((machine) => machine.server === server);
}

/** All that a machine is called by, which its successor has to keep. */
const IDENTITY = ["address", "MAC", "uuid", "pod network", "priority"];

/** What keeps a plan from being the replacement and nothing else, in words; empty where it is. */
export interface Misfit {
  /** Of machines of the old server: they would not be on the fresh one as they were. */
  readonly lost: readonly string[];
  /** Of everything else: the file asks for more than the replacement. */
  readonly beside: readonly string[];
}

/**
 * Compares what would be with what was.
 * @param previous the plan before, as `takenOver` gives it.
 * @param machines names of the machines that move.
 */
export function misfit(
  previous: Plan,
  next: Plan,
  { fresh }: Replacement,
  machines: readonly string[],
): Misfit {
  const lost: string[] = [];
  const beside: string[] = [];
  for (const { kind, subject, name, changes } of diffPlans(previous, next)) {
    if (kind !== "changed") {
      (machines.includes(name) ? lost : beside).push(`${subject} ${name} ${kind}`);
      continue;
    }
    for (const { what, before, after } of changes) {
      const words = `${what} of ${name}: ${before || "none"} → ${after || "none"}`;
      if (!machines.includes(name)) beside.push(words);
      // Memory, processors and disks are as large as the fresh hardware allows.
      else if (IDENTITY.includes(what) || (what === "server" && after !== fresh)) lost.push(words);
    }
  }
  return { lost, beside };
}
