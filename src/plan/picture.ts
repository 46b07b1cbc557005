import { formatMiB } from "#base/units.ts";
import type { MachinePlan, Plan } from "./plan.ts";

/** A line of the plan as people read it; every value is text. */
export interface PlanRow {
  readonly site: string;
  readonly server: string;
  readonly machine: string;
  readonly role: string;
  readonly cpus: string;
  readonly memory: string;
  readonly disks: string;
  readonly address: string;
}

/** The plan's machines site by site and server by server; a site without machines has one line of its own. */
export function planTable(plan: Plan): readonly PlanRow[] {
  return plan.sites.flatMap((site): PlanRow[] => {
    if (site.machines.length === 0) return [emptyRow(site.name, site.kind)];
    return site.servers.flatMap((server) =>
      site.machines
        .filter((machine) => machine.server === server.name)
        .map((machine) => machineRow(site.name, machine)),
    );
  });
}

function machineRow(site: string, machine: MachinePlan): PlanRow {
  return {
    site,
    server: machine.server,
    machine: machine.name,
    role: machine.role,
    cpus: `${machine.cpus}`,
    memory: formatMiB(machine.memoryMiB),
    disks: machine.disks.map(({ name, sizeGiB, from }) => `${name} ${sizeGiB} GiB (${from})`).join(", "),
    address: machine.address,
  };
}

function emptyRow(site: string, kind: string): PlanRow {
  return { site, server: kind, machine: "", role: "", cpus: "", memory: "", disks: "", address: "" };
}
