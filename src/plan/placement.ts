/**
 * Which machine stands on which server. ECAMs and workers are given by the
 * file; control planes are spread. All control planes of a site are alike, so
 * taking seats in order of preference, each where the server still has room, is
 * exact (the seats are a matroid), unless it is in doubt whether disks can be cut
 * to fit: then HiGHS decides.
 */
import { PanopticonError, type Problem } from "#base/errors.ts";
import { formatMiB } from "#base/units.ts";
import type { Role, Server, Site } from "#model/federation.ts";
import {
  cutsQuickly,
  describeLoad,
  type Host,
  hostsOf,
  loadOf,
  memoryFor,
  needOf,
  type Unit,
} from "./capacity.ts";
import { cutRoots, type Cuts, type Root } from "./disks.ts";
import type { MachinePlan } from "./plan.ts";
import { problemAt } from "./problem.ts";
import type { Packing } from "./placement-solver.ts";
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

export interface Placement {
  /** The servers, with what they had room for. */
  readonly hosts: readonly Host[];
  /** ECAMs, then control planes, then workers, each by number. */
  readonly seats: readonly Seat[];
  /** By server name, where each root disk is cut. */
  readonly cuts: ReadonlyMap<string, Cuts>;
}

/** VRRP priorities are 1 to 254; 255 belongs to a router that owns the address (RFC 9568). */
export const MOST_ECAMS = 254;

const LABEL: Readonly<Record<Role, string>> = { ecam: "ecam", controlplane: "cp", worker: "worker" };

/** Places an on-prem site's machines; throws PLAN_… (exit 1) with what does not fit. */
export async function placeSite(input: SiteInput): Promise<Placement> {
  const hosts = hostsOf(input);
  checkSite(input, hosts);
  const wanted = input.site.controlplanes;
  const units = orderUnits(input, hosts);
  const chosen = units.slice(0, wanted);
  if (chosen.length < wanted || hosts.some(({ room, required }) => room < required))
    throw tooLittleRoom(input, hosts);
  const counts = countByHost(hosts, chosen);
  const quick = hosts.every(({ server }, index) =>
    cutsQuickly(input.site, server, loadOf(server, counts[index] ?? 0)),
  );
  if (quick) return seatMachines(input, hosts, counts);
  const { pack } = await import("./placement-solver.ts");
  const packing = await pack(input.site, hosts, units);
  if (!packing) throw uncuttable(input, hosts, counts);
  return seatMachines(input, hosts, packing.counts, packing);
}

/**
 * Seats a host has room for, best first: required ones, those taken already,
 * then level by level so that no server carries two before each carries one,
 * and in a level the server with the most memory left first.
 */
export function orderUnits(input: SiteInput, hosts: readonly Host[]): readonly Unit[] {
  const standing = ({ host, level }: Unit) => (level <= host.required ? 0 : level <= host.kept ? 1 : 2);
  return hosts
    .flatMap((host) => {
      const room = Math.min(host.room, input.site.controlplanes);
      return Array.from({ length: room }, (_, index) => ({ host, level: index + 1 }));
    })
    .sort(
      (one, other) =>
        standing(one) - standing(other) ||
        one.level - other.level ||
        memoryBeside(input.site, other.host) - memoryBeside(input.site, one.host) ||
        one.host.index - other.host.index,
    );
}

/** Memory a host has left before any control plane. */
export function memoryBeside(site: Site, { server }: Host): number {
  return memoryFor(server) - needOf(site, loadOf(server, 0)).memoryMiB;
}

function countByHost(hosts: readonly Host[], units: readonly Unit[]): readonly number[] {
  return hosts.map((host) => units.filter((unit) => unit.host === host).length);
}

function seatMachines(
  input: SiteInput,
  hosts: readonly Host[],
  counts: readonly number[],
  packing?: Packing,
): Placement {
  const seats = [
    ...seatRole(
      input,
      "ecam",
      hosts,
      hosts.map(({ server }) => loadOf(server, 0).ecam),
    ),
    ...seatRole(input, "controlplane", hosts, counts),
    ...seatRole(
      input,
      "worker",
      hosts,
      hosts.map(({ server }) => loadOf(server, 0).worker),
    ),
  ];
  const cuts = hosts.map(({ server, index }): [string, Cuts] => {
    const roots = rootsOn(input, seats, server);
    const fresh = roots.map(({ machine, sizeGiB }) => ({ machine, sizeGiB }));
    const cut = cutRoots(server.disks, roots) ?? cutRoots(server.disks, fresh);
    return [server.name, cut ?? solvedCuts(seats, server, packing?.disks[index])];
  });
  return { hosts, seats, cuts: new Map(cuts) };
}

/** The root disks of the machines on a server. */
export function rootsOn(input: SiteInput, seats: readonly Seat[], server: Server): readonly Root[] {
  return seats
    .filter((seat) => seat.server === server)
    .map(({ name, role, before }) => ({
      machine: name,
      sizeGiB: input.site.sizes[role].diskGiB,
      before: before?.server === server.name ? before.disks[0]?.from : undefined,
    }));
}

function solvedCuts(
  seats: readonly Seat[],
  server: Server,
  disks: Packing["disks"][number] | undefined,
): Cuts {
  const waiting = {
    ecam: [...(disks?.ecam ?? [])],
    controlplane: [...(disks?.controlplane ?? [])],
    worker: [...(disks?.worker ?? [])],
  };
  return new Map(
    seats
      .filter((seat) => seat.server === server)
      .map(({ name, role }) => [name, waiting[role].shift() ?? ""]),
  );
}

/**
 * Numbers a role's machines: those that stay on their server keep theirs, the
 * others get the lowest free ones, level by level in the file's order.
 */
function seatRole(
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
export function numberOf(name: string): number {
  return Number(name.slice(name.lastIndexOf("-") + 1));
}

function lowestFree(used: ReadonlySet<number>): number {
  let number = 1;
  while (used.has(number)) number += 1;
  return number;
}

function checkSite(input: SiteInput, hosts: readonly Host[]): void {
  const { file, site, path } = input;
  const problems: Problem[] = [];
  const full = hosts.filter(({ server }) => server.role === "full").length;
  if (full > MOST_ECAMS)
    problems.push(
      problemAt(
        file,
        `${path}.servers`,
        "PLAN_TOO_MANY_ECAMS",
        `site ${site.name} has ${full} full servers with an ECAM each, and VRRP tells only ${MOST_ECAMS} apart by priority`,
        "split the site in two",
      ),
    );
  if (full === 0)
    problems.push(
      problemAt(
        file,
        `${path}.servers`,
        "PLAN_NO_FULL_SERVER",
        `site ${site.name} has no full server, so nothing can carry its ECAM and workers`,
        "add a server that is not a witness",
      ),
    );
  const required = hosts.filter((host) => host.required > 0);
  if (required.length > site.controlplanes)
    problems.push(
      problemAt(
        file,
        `${path}.controlplanes`,
        "PLAN_TOO_FEW_CONTROLPLANES",
        `site ${site.name} has ${site.controlplanes} control planes, but ${required.length} servers must carry one: ${required.map(({ server }) => server.name).join(", ")}`,
        "ask for more control planes, or remove a witness or a device passed to a control plane",
      ),
    );
  if (problems.length > 0) throw new PanopticonError(problems, 1);
}

function tooLittleRoom({ file, site, path }: SiteInput, hosts: readonly Host[]): PanopticonError {
  const rooms = hosts.map(
    ({ server, room, limit }) => `${server.name} has room for ${room} (limited by ${limit})`,
  );
  const size = site.sizes.controlplane;
  return new PanopticonError(
    [
      problemAt(
        file,
        `${path}.controlplanes`,
        "PLAN_CONTROLPLANES_DO_NOT_FIT",
        `site ${site.name} cannot place ${site.controlplanes} control planes of ${size.cpus} vCPUs, ${formatMiB(size.memoryMiB)} and ${size.diskGiB} GiB of disk: ${rooms.join(", ")}`,
        `give a server more, add a server or a witness, or lower ${path}.sizes or controlplanes`,
      ),
    ],
    1,
  );
}

function uncuttable(
  { file, site, path }: SiteInput,
  hosts: readonly Host[],
  counts: readonly number[],
): PanopticonError {
  const problems = hosts
    .map((host) => ({ host, load: loadOf(host.server, counts[host.index] ?? 0) }))
    .filter(({ host, load }) => !cutsQuickly(site, host.server, load))
    .map(({ host: { server, index }, load }) =>
      problemAt(
        file,
        `${path}.servers[${index}].disks`,
        "PLAN_DISKS_CANNOT_BE_CUT",
        `the root disks of ${describeLoad(load)} cannot be cut from the disks of server ${server.name}: ${server.disks.map(({ name, sizeGiB }) => `${name} has ${sizeGiB} GiB`).join(", ")}; no other spread of site ${site.name}'s ${site.controlplanes} control planes fits either`,
        `give the server one larger disk, or lower the disks in ${path}.sizes`,
      ),
    );
  return new PanopticonError(problems, 1);
}
