import type { Role, Server } from "#model/federation.ts";
import type { Host } from "./capacity.ts";
import type { MachinePlan } from "./plan.ts";
import type { SiteInput } from "./site-input.ts";

/** A machine's place, before it has a size. */
export interface Seat {
  readonly name: string;
  readonly role: Role;
  readonly number: number;
  readonly server: Server;
  /** The same machine as it was planned before. */
  readonly before: MachinePlan | undefined;
}

const LABEL: Readonly<Record<Role, string>> = { ecam: "ecam", controlplane: "cp", worker: "worker" };

/**
 * Numbers a role's machines: those that stay on their server keep theirs, the
 * others get the lowest free ones, level by level in the file's order.
 */
export function seatRole(
  input: SiteInput,
  role: Role,
  hosts: readonly Host[],
  counts: readonly number[],
): readonly Seat[] {
  const before = new Map(
    (input.previous?.machines ?? [])
      .filter((machine) => machine.role === role)
      .map((machine) => [numberOf(machine.name), machine]),
  );
  const kept = hosts.map(({ server }, index) =>
    [...before]
      .filter(([, machine]) => machine.server === server.name)
      .map(([number]) => number)
      .sort((one, other) => one - other)
      .slice(0, counts[index] ?? 0),
  );
  const used = new Set(kept.flat());
  const seat = (number: number, server: Server): Seat => {
    used.add(number);
    return {
      name: `${input.site.name}-${LABEL[role]}-${number}`,
      role,
      number,
      server,
      before: before.get(number),
    };
  };
  const stay = hosts.flatMap(({ server }, index) =>
    (kept[index] ?? []).map((number) => seat(number, server)),
  );
  const open = hosts.flatMap(({ server }, index) =>
    Array.from({ length: (counts[index] ?? 0) - (kept[index]?.length ?? 0) }, (_, place) => ({
      server,
      level: (kept[index]?.length ?? 0) + place,
    })),
  );
  // Workers of one server have neighbouring numbers; control planes go round the servers.
  if (role === "controlplane") open.sort((one, other) => one.level - other.level);
  const come = open.map(({ server }) => seat(lowestFree(used), server));
  return [...stay, ...come].sort((one, other) => one.number - other.number);
}

/** The number at the end of a machine's name. */
function numberOf(name: string): number {
  return Number(name.slice(name.lastIndexOf("-") + 1));
}

function lowestFree(used: ReadonlySet<number>): number {
  let number = 1;
  while (used.has(number)) number += 1;
  return number;
}
