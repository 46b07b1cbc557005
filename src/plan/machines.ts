import type { Role, Server, Site } from "#model/federation.ts";
import { memoryFor } from "./capacity.ts";
import { type Root, shareRest } from "./disks.ts";
import type { Placement } from "./placement.ts";
import type { MachineDisk, MachinePlan, ServerPlan } from "./plan.ts";
import type { Seat } from "./seats.ts";

/** A machine with its size, before it has an address and an identity. */
export interface SizedMachine extends Pick<MachinePlan, "cpus" | "memoryMiB" | "disks" | "passthrough"> {
  readonly seat: Seat;
}

/**
 * Sizes a site's machines. ECAMs and control planes are as large as the file
 * says; workers share evenly what dom0 and those leave of their server: vCPUs
 * (the first ones get one more where they don't divide), memory and disks.
 */
export function sizeMachines(site: Site, placement: Placement): readonly SizedMachine[] {
  return placement.seats.map((seat) => {
    const { server, role, name } = seat;
    const peers = placement.seats.filter((other) => other.server === server && other.role === role);
    const place = peers.indexOf(seat);
    const fixed = site.sizes[role];
    const from = placement.cuts.get(server.name)?.get(name) ?? "";
    const root: MachineDisk = { name: "root", from, sizeGiB: fixed.diskGiB };
    const passthrough = devicesFor(server, role, place, peers.length);
    if (role !== "worker")
      return { seat, cpus: fixed.cpus, memoryMiB: fixed.memoryMiB, disks: [root], passthrough };
    const rest = leftForWorkers(site, placement, server);
    return {
      seat,
      cpus: Math.floor(rest.cpus / peers.length) + (place < rest.cpus % peers.length ? 1 : 0),
      memoryMiB: Math.floor(rest.memoryMiB / peers.length),
      disks: [root, ...dataDisks(site, placement, server, peers.length)],
      passthrough,
    };
  });
}

/** A server with what its machines leave over. */
export function serverPlan(server: Server, machines: readonly SizedMachine[]): ServerPlan {
  const own = machines.filter(({ seat }) => seat.server === server);
  return {
    name: server.name,
    role: server.role,
    ...(server.address !== undefined && { address: server.address }),
    cpus: server.cpus,
    memoryMiB: server.memoryMiB,
    freeMemoryMiB: own.reduce((left, { memoryMiB }) => left - memoryMiB, memoryFor(server)),
    freeCpus: own.reduce((left, { cpus }) => left - cpus, server.cpus),
  };
}

function leftForWorkers(site: Site, placement: Placement, server: Server) {
  const others = placement.seats.filter((seat) => seat.server === server && seat.role !== "worker");
  return {
    cpus: others.reduce((left, { role }) => left - site.sizes[role].cpus, server.cpus),
    memoryMiB: others.reduce((left, { role }) => left - site.sizes[role].memoryMiB, memoryFor(server)),
  };
}

function dataDisks(site: Site, placement: Placement, server: Server, workers: number) {
  const roots: readonly Root[] = placement.seats
    .filter((seat) => seat.server === server)
    .map(({ name, role }) => ({ machine: name, sizeGiB: site.sizes[role].diskGiB }));
  return shareRest(server.disks, roots, placement.cuts.get(server.name) ?? new Map(), workers);
}

/** The server's devices for a role go to its machines in turn, in the file's order. */
function devicesFor(server: Server, role: Role, place: number, machines: number) {
  return server.passthrough
    .filter((device) => device.for === role)
    .filter((_, index) => index % machines === place)
    .map(({ name, pci }) => ({ name, pci }));
}
