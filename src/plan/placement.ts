/**
 * Which machine stands on which server. ECAMs and workers are given by the
 * file; control planes are spread. All control planes of a site are alike, so
 * taking seats in order of preference, each where the server still has room, is
 * exact (the seats are a matroid), unless it is in doubt whether disks can be cut
 * to fit: then HiGHS decides.
 */
import type { Server } from "#model/federation.ts";
import { cutsQuickly, type Host, hostsOf, loadOf, memoryBeside, type Unit } from "./capacity.ts";
import { cutRoots, type Cuts, type Root } from "./disks.ts";
import { checkSite, tooLittleRoom, uncuttable } from "./placement-refusals.ts";
import type { Packing } from "./placement-solver.ts";
import { type Seat, seatRole } from "./seats.ts";
import type { SiteInput } from "./site-input.ts";

export interface Placement {
  /** The servers, with what they had room for. */
  readonly hosts: readonly Host[];
  /** ECAMs, then control planes, then workers, each by number. */
  readonly seats: readonly Seat[];
  /** By server name, where each root disk is cut. */
  readonly cuts: ReadonlyMap<string, Cuts>;
}

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
function rootsOn(input: SiteInput, seats: readonly Seat[], server: Server): readonly Root[] {
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
