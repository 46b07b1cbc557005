import { wrongUse } from "#base/errors.ts";
import { nearest } from "#model/nearest.ts";
import type { MachinePlan, Plan, ServerPlan } from "./plan.ts";

/** A machine with what stands around it; its reasons are its own. */
export interface Explanation {
  readonly site: string;
  readonly machine: MachinePlan;
  /** The server that carries it, with what is left over there. */
  readonly server: ServerPlan;
  /** Names of the server's other machines. */
  readonly beside: readonly string[];
}

/** Finds a machine by name; throws PLAN_UNKNOWN_MACHINE (exit 2), naming the nearest one. */
export function explainMachine(plan: Plan, name: string): Explanation {
  for (const site of plan.sites) {
    const machine = site.machines.find((candidate) => candidate.name === name);
    const server = site.servers.find((candidate) => candidate.name === machine?.server);
    if (!machine || !server) continue;
    const beside = site.machines.filter((other) => other.server === server.name && other !== machine);
    return { site: site.name, machine, server, beside: beside.map((other) => other.name) };
  }
  const names = plan.sites.flatMap(({ machines }) => machines.map((machine) => machine.name));
  const near = nearest(name, names);
  throw wrongUse(
    "PLAN_UNKNOWN_MACHINE",
    `the plan of ${plan.federation} has no machine ${name}`,
    near === undefined
      ? `it has ${names.slice(0, 10).join(", ")}${names.length > 10 ? ", …" : ""}`
      : `did you mean ${near}?`,
  );
}
