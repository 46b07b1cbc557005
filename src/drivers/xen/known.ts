/** What a server's facts say of one machine, for the comparison with its plan. */
import type { MachinePlan } from "#plan/plan.ts";
import { volumeName, type XenDomain } from "#render/xen/domain.ts";
import type { FoundDisk, Known } from "./drift.ts";
import type { ServerFacts } from "./facts.ts";

/** Its settings while it is only being made are not whole: they are left out. */
export function knownOf(
  federation: string,
  machine: MachinePlan,
  planned: string,
  domain: XenDomain,
  facts: ServerFacts,
): Known {
  return {
    planned,
    domain,
    file: facts.files.get(machine.name),
    running: facts.domains.find(({ uuid, state }) => uuid === machine.uuid && state !== "building")?.settings,
    autostart: facts.autostart.has(machine.name),
    disks: foundDisks(federation, machine, facts),
  };
}

/** The machine's disks that are there. */
function foundDisks(federation: string, machine: MachinePlan, facts: ServerFacts): readonly FoundDisk[] {
  return machine.disks.flatMap(({ name, from, sizeGiB }) => {
    const foundMiB = facts.volumes.get(`${from}/${volumeName(federation, machine.name, name)}`);
    return foundMiB === undefined ? [] : [{ name, plannedGiB: sizeGiB, foundMiB }];
  });
}
