/** Why a machine stands where it stands and is as large as it is, in sentences for people. */
import { formatMiB } from "#base/units.ts";
import type { Role, Server } from "#model/federation.ts";
import { describeLoad, memoryFor } from "./capacity.ts";
import type { SizedMachine } from "./machines.ts";
import type { SiteInput } from "./site-input.ts";

/** The reasons of each of a site's machines, in the machines' order. */
export function explainPlacement(
  input: SiteInput,
  machines: readonly SizedMachine[],
  vip: string,
): readonly (readonly string[])[] {
  const facts: Facts = { input, machines, vip };
  return machines.map((machine) => [
    ...placeOf[machine.seat.role](facts, machine),
    ...movedFrom(machine),
    ...sizeOf(facts, machine),
    ...machine.passthrough.map(
      ({ name, pci }) => `Device ${name} (${pci}) of ${machine.seat.server.name} is passed to it.`,
    ),
  ]);
}

interface Facts {
  readonly input: SiteInput;
  readonly machines: readonly SizedMachine[];
  readonly vip: string;
}

const placeOf: Readonly<Record<Role, (facts: Facts, machine: SizedMachine) => readonly string[]>> = {
  ecam: ({ vip }, { seat }) => [
    `Every full server carries one ECAM, so that the VIP ${vip} has somewhere to go when a server dies; this is ${seat.server.name}'s.`,
  ],
  controlplane: (facts, { seat }) => [spread(facts), ...standing(facts, seat.server)],
  worker: ({ input, machines }, { seat }) => {
    const load = on(machines, seat.server, "worker");
    const which = load === 1 ? "the worker" : `one of ${load} workers`;
    return [`It is ${which} of ${seat.server.name}, as the file asks of site ${input.site.name}.`];
  },
};

function spread({ input, machines }: Facts): string {
  const counts = input.site.servers
    .map(({ name }) => ({
      name,
      count: machines.filter(({ seat }) => seat.role === "controlplane" && seat.server.name === name).length,
    }))
    .filter(({ count }) => count > 0);
  const total = input.site.controlplanes;
  const where = counts.map(({ name, count }) => `${count} on ${name}`).join(", ");
  if (total === 1)
    return `It is the site's only control plane (${where}); nothing takes its place when it dies.`;
  const most = Math.max(...counts.map(({ count }) => count));
  const keeps = total - most > total / 2;
  const result = keeps
    ? "so etcd keeps its quorum when any one server dies"
    : `so etcd loses its quorum when a server with ${most} of them dies`;
  return `The ${total} control planes are spread as evenly as there is room: ${where}; ${result}.`;
}

function standing({ input, machines }: Facts, server: Server): readonly string[] {
  if (server.role === "witness")
    return [`${server.name} is a witness: it carries this one vote and nothing else.`];
  if (server.passthrough.some((device) => device.for === "controlplane"))
    return [`${server.name} must carry a control plane, because a device of it is passed to one.`];
  const servers = input.site.servers.filter(({ role }) => role === "full");
  const least = Math.min(...servers.map((other) => on(machines, other, "controlplane")));
  const own = on(machines, server, "controlplane");
  return own > least
    ? [
        `${server.name} carries ${own}, because it was there before, has more memory to spare or stands earlier in the file.`,
      ]
    : [];
}

function movedFrom({ seat }: SizedMachine): readonly string[] {
  const { before, server } = seat;
  if (!before) return [];
  return before.server === server.name
    ? [`It stays on ${server.name}, where it was planned before.`]
    : [`It was planned on ${before.server} before and moves to ${server.name}.`];
}

function sizeOf({ input, machines }: Facts, machine: SizedMachine): readonly string[] {
  const { server, role } = machine.seat;
  const size = `${machine.cpus} ${machine.cpus === 1 ? "vCPU" : "vCPUs"} and ${formatMiB(machine.memoryMiB)}`;
  if (role !== "worker") return [`It gets ${size}, the size of the role at site ${input.site.name}.`];
  const workers = on(machines, server, "worker");
  const others = describeLoad({
    ecam: on(machines, server, "ecam"),
    controlplane: on(machines, server, "controlplane"),
    worker: 0,
  });
  const share = workers === 1 ? "all" : `an even share of all`;
  const data = machine.disks
    .filter(({ name }) => name !== "root")
    .map(({ from, sizeGiB }) => `${sizeGiB} GiB of ${from}`);
  return [
    `It gets ${size}: ${share} that dom0 (${formatMiB(server.dom0MemoryMiB)}) and ${others} leave of ${server.cpus} vCPUs and ${formatMiB(memoryFor(server) + server.dom0MemoryMiB)}.`,
    ...(data.length > 0 ? [`Its data disks are what the root disks leave: ${data.join(", ")}.`] : []),
  ];
}

function on(machines: readonly SizedMachine[], server: Server, role: Role): number {
  return machines.filter(({ seat }) => seat.server === server && seat.role === role).length;
}
