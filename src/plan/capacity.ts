/**
 * What a server can carry. A full server always carries one ECAM and its
 * workers at their smallest; what is left decides how many control planes fit.
 */
import { PanopticonError, type Problem } from "#base/errors.ts";
import { formatMiB } from "#base/units.ts";
import type { Role, Server, Site } from "#model/federation.ts";
import { cutRoots, type Root } from "./disks.ts";
import { problemAt } from "./problem.ts";
import type { SiteInput } from "./site-input.ts";

/** How many machines of each role a server carries. */
export type Load = Readonly<Record<Role, number>>;

/** A server as the placement of control planes sees it. */
export interface Host {
  readonly server: Server;
  /** Place in the file, from 0. */
  readonly index: number;
  /** Control planes it must carry: a witness's one, or the one a device is passed to. */
  readonly required: number;
  /** Control planes that already run there. */
  readonly kept: number;
  /** Control planes it has vCPUs, memory and disk for, if the disks can be cut to fit. */
  readonly room: number;
  /** What keeps `room` from being larger. */
  readonly limit: "vCPUs" | "memory" | "disk" | "its role";
}

/** One place for a control plane: the `level`th on its host. */
export interface Unit {
  readonly host: Host;
  /** From 1. */
  readonly level: number;
}

/** The site's servers; throws with everything that does not fit even before control planes are spread. */
export function hostsOf(input: SiteInput): readonly Host[] {
  const problems: Problem[] = [];
  const hosts = input.site.servers.map((server, index) => {
    const required = server.role === "witness" || isPassedTo(server, "controlplane") ? 1 : 0;
    problems.push(...lacksOf(input, index, loadOf(server, required)));
    problems.push(...orphanDevices(input, index));
    const kept = (input.previous?.machines ?? []).filter(
      (machine) => machine.role === "controlplane" && machine.server === server.name,
    ).length;
    return { server, index, required, kept, ...roomOf(input.site, server) };
  });
  if (problems.length > 0) throw new PanopticonError(problems, 1);
  return hosts;
}

/** The server's machines with that many control planes. */
export function loadOf(server: Server, controlplanes: number): Load {
  if (server.role === "witness") return { ecam: 0, controlplane: controlplanes, worker: 0 };
  return { ecam: 1, controlplane: controlplanes, worker: server.workers };
}

/** Whether the quick way cuts all root disks of the load. */
export function cutsQuickly(site: Site, server: Server, load: Load): boolean {
  return cutRoots(server.disks, rootsOf(site, load)) !== undefined;
}

function rootsOf(site: Site, load: Load): readonly Root[] {
  const roles: readonly Role[] = ["ecam", "controlplane", "worker"];
  return roles.flatMap((role) =>
    Array.from({ length: load[role] }, (_, index) => ({
      machine: `${role}-${index}`,
      sizeGiB: site.sizes[role].diskGiB,
    })),
  );
}

/** Memory the server has for machines. */
export function memoryFor(server: Server): number {
  return server.memoryMiB - server.dom0MemoryMiB;
}

/** Memory a host has left before any control plane. */
export function memoryBeside(site: Site, { server }: Host): number {
  return memoryFor(server) - needOf(site, loadOf(server, 0)).memoryMiB;
}

/** What a load asks for, workers at their smallest. */
function needOf(site: Site, load: Load) {
  const sum = (what: "cpus" | "memoryMiB" | "diskGiB") =>
    load.ecam * site.sizes.ecam[what] +
    load.controlplane * site.sizes.controlplane[what] +
    load.worker * site.sizes.worker[what];
  return { cpus: sum("cpus"), memoryMiB: sum("memoryMiB"), diskGiB: sum("diskGiB") };
}

function roomOf(site: Site, server: Server): Pick<Host, "room" | "limit"> {
  if (server.role === "witness") return { room: 1, limit: "its role" };
  const base = needOf(site, loadOf(server, 0));
  const each = site.sizes.controlplane;
  const disk = Math.min(
    fitting(diskTotal(server) - base.diskGiB, each.diskGiB),
    server.disks.reduce((sum, { sizeGiB }) => sum + fitting(sizeGiB, each.diskGiB), 0),
  );
  const rooms = [
    { room: fitting(memoryFor(server) - base.memoryMiB, each.memoryMiB), limit: "memory" as const },
    { room: fitting(server.cpus - base.cpus, each.cpus), limit: "vCPUs" as const },
    { room: disk, limit: "disk" as const },
  ];
  return rooms.reduce((least, next) => (next.room < least.room ? next : least));
}

function fitting(rest: number, each: number): number {
  return each > 0 ? Math.max(0, Math.floor(rest / each)) : Number.MAX_SAFE_INTEGER;
}

function diskTotal(server: Server): number {
  return server.disks.reduce((sum, { sizeGiB }) => sum + sizeGiB, 0);
}

function lacksOf(input: SiteInput, index: number, load: Load): readonly Problem[] {
  const server = input.site.servers[index];
  if (!server) return [];
  const need = needOf(input.site, load);
  const what = describeLoad(load);
  const path = `${input.path}.servers[${index}]`;
  const problem = (code: string, part: string, needs: string, has: string, hint: string) =>
    problemAt(
      input.file,
      `${path}.${part}`,
      code,
      `server ${server.name} of site ${input.site.name} needs ${needs} for ${what}, and has ${has}`,
      hint,
    );
  const lower = `or lower ${input.path}.sizes`;
  const problems: Problem[] = [];
  if (need.cpus > server.cpus)
    problems.push(
      problem(
        "PLAN_SERVER_CPUS",
        "cpus",
        `${need.cpus} vCPUs`,
        `${server.cpus}`,
        `give it ${need.cpus} cpus, ${lower}`,
      ),
    );
  if (need.memoryMiB > memoryFor(server)) {
    const enough = formatMiB(need.memoryMiB + server.dom0MemoryMiB);
    const has = `${formatMiB(Math.max(0, memoryFor(server)))} beside dom0's ${formatMiB(server.dom0MemoryMiB)}`;
    problems.push(
      problem(
        "PLAN_SERVER_MEMORY",
        "memory",
        formatMiB(need.memoryMiB),
        has,
        `give it ${enough} of memory, ${lower}`,
      ),
    );
  }
  if (need.diskGiB > diskTotal(server))
    problems.push(
      problem(
        "PLAN_SERVER_DISK",
        "disks",
        `${need.diskGiB} GiB of disk`,
        `${diskTotal(server)} GiB`,
        `give it larger disks, ${lower}`,
      ),
    );
  return problems;
}

const LIST = new Intl.ListFormat("en-GB", { type: "conjunction" });

/** Says a load as `1 ECAM, 2 control planes and 1 worker`. */
export function describeLoad(load: Load): string {
  const parts = [
    counted(load.ecam, "ECAM"),
    counted(load.controlplane, "control plane"),
    counted(load.worker, "worker"),
  ].filter((part) => part !== "");
  return LIST.format(parts);
}

function counted(count: number, noun: string): string {
  return count === 0 ? "" : `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function isPassedTo(server: Server, role: Role): boolean {
  return server.passthrough.some((device) => device.for === role);
}

function orphanDevices(input: SiteInput, index: number): readonly Problem[] {
  const server = input.site.servers[index];
  if (!server) return [];
  const load = loadOf(server, 1);
  return server.passthrough.flatMap((device, place) =>
    load[device.for] > 0
      ? []
      : problemAt(
          input.file,
          `${input.path}.servers[${index}].passthrough[${place}]`,
          "PLAN_PASSTHROUGH_NO_MACHINE",
          `device ${device.name} (${device.pci}) is for the ${device.for} of server ${server.name}, which carries none`,
          `pass it to a machine the server carries (${describeLoad(load)}), or move the device`,
        ),
  );
}
