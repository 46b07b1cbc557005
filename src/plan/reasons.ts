/** Why a machine stands where it stands and is as large as it is, in sentences for people. */
import { formatMiB } from "#base/units.ts";
import type { Role, Server } from "#model/federation.ts";
import { cutsQuickly, describeLoad, type Host, loadOf, memoryBeside, memoryFor } from "./capacity.ts";
import type { SizedMachine } from "./machines.ts";
import type { SiteInput } from "./site-input.ts";

/** The reasons of each of a site's machines, in the machines' order. */
export function explainPlacement(
  input: SiteInput,
  hosts: readonly Host[],
  machines: readonly SizedMachine[],
  vip: string,
): readonly (readonly string[])[] {
  const facts: Facts = { input, hosts, machines, vip };
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
  readonly hosts: readonly Host[];
  readonly machines: readonly SizedMachine[];
  readonly vip: string;
}

const placeOf: Readonly<Record<Role, (facts: Facts, machine: SizedMachine) => readonly string[]>> = {
  ecam: ({ machines, vip }, { seat }) => {
    const alone = machines.filter(({ seat: other }) => other.role === "ecam").length === 1;
    const why = alone
      ? `it is the site's only one, so nothing takes the VIP ${vip} when it dies`
      : `so that another takes the VIP ${vip} when a server dies`;
    return [`Every full server carries one ECAM, this one ${seat.server.name}'s: ${why}.`];
  },
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

/** Why this server and not one that carries fewer. */
function standing(facts: Facts, server: Server): readonly string[] {
  const { name } = server;
  if (server.role === "witness") return [`${name} is a witness: it carries this one vote and nothing else.`];
  if (server.passthrough.some((device) => device.for === "controlplane"))
    return [`${name} must carry a control plane, because a device of it is passed to one.`];
  const own = on(facts.machines, server, "controlplane");
  const fewer = facts.hosts.filter(
    (host) => host.server.role === "full" && on(facts.machines, host.server, "controlplane") < own,
  );
  return fewer.map((other) => `${name} carries ${own} of them: ${whyNot(facts, server, other, own)}.`);
}

/** Says the same whether the plan is fresh or kept, so that planning again changes nothing. */
function whyNot({ input, hosts, machines }: Facts, server: Server, other: Host, own: number): string {
  const { name } = other.server;
  const count = on(machines, other.server, "controlplane");
  const host = hosts.find((candidate) => candidate.server === server);
  if (other.room <= count) return `${name} has no room for another (limited by ${other.limit})`;
  if (!cutsQuickly(input.site, other.server, loadOf(other.server, count + 1)))
    return `only so can all root disks be cut`;
  const more = host ? memoryBeside(input.site, host) - memoryBeside(input.site, other) : 0;
  if (own - count === 1 && more > 0) return `it has ${formatMiB(more)} more memory to spare than ${name}`;
  if (own - count === 1 && more === 0 && host && host.index < other.index)
    return `it stands before ${name} in the file`;
  return `they were planned there before, and are not moved only to spread them better over ${name}`;
}

function movedFrom({ seat }: SizedMachine): readonly string[] {
  const from = seat.before?.server;
  return from === undefined || from === seat.server.name
    ? []
    : [`It was planned on ${from} before and moves to ${seat.server.name}.`];
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
