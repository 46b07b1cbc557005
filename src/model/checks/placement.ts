import { formatMiB } from "#base/units.ts";
import type { Mistake } from "../mistakes.ts";
import { type Capacity, capacityOf, loadOf, needOf, roomOf, type Sizes, sizesOf } from "./capacity.ts";
import { type Check, type DraftServer, type DraftSite, type Part, serversOf, sitesOf } from "./check.ts";

/** A server with all that the placement of control planes asks. */
interface Host {
  readonly server: Part<DraftServer>;
  readonly capacity: Capacity;
}

/** Sites whose machines cannot be spread over their servers. */
export const checkPlacement: Check = (federation) => sitesOf(federation).flatMap(siteMistakes);

function siteMistakes(site: Part<DraftSite>): readonly Mistake[] {
  const servers = serversOf(site);
  const { controlplanes } = site.value;
  if (servers.length === 0 || servers.length !== site.value.servers?.length) return [];
  if (servers.every(({ value }) => value.role === "witness")) {
    const message = `${site.label} has only witnesses, and nothing for its ECAMs and workers`;
    const hint = "add a server that is not a witness";
    return [{ code: "MODEL_PLACEMENT", message, hint, path: [...site.path, "servers"] }];
  }
  const hosts = servers.flatMap((server) => {
    const capacity = capacityOf(server.value);
    return capacity ? [{ server, capacity }] : [];
  });
  const sizes = sizesOf(site.value.sizes);
  if (hosts.length < servers.length || controlplanes === undefined) return [];
  return [
    ...tooManyRequired(site, hosts, controlplanes),
    ...(sizes ? tooLittleRoom(site, hosts, controlplanes, sizes) : []),
  ];
}

/** Witnesses, and servers with a device for a control plane, each carry one. */
function tooManyRequired(site: Part<DraftSite>, hosts: readonly Host[], wanted: number): readonly Mistake[] {
  const required = hosts.filter(({ capacity }) => capacity.required > 0);
  if (required.length <= wanted) return [];
  const names = required.map(({ server }) => server.value.name ?? server.label).join(", ");
  return [
    {
      code: "MODEL_PLACEMENT",
      message: `${site.label} has ${count(wanted)}, but ${required.length} servers must carry one: ${names}`,
      hint: "raise controlplanes, or remove a witness or a device for a control plane",
      path: [...site.path, "controlplanes"],
    },
  ];
}

function tooLittleRoom(
  site: Part<DraftSite>,
  hosts: readonly Host[],
  wanted: number,
  sizes: Sizes,
): readonly Mistake[] {
  const rooms = hosts.map(({ capacity }) => roomOf(capacity, sizes));
  // A server that lacks room for what must stand on it is told by itself.
  const short = hosts.some(
    ({ capacity }, index) => !carriesRest(capacity, sizes) || (rooms[index] ?? 0) < capacity.required,
  );
  if (short || rooms.reduce((sum, room) => sum + room, 0) >= wanted) return [];
  const where = hosts.map(
    ({ server }, index) => `${server.value.name ?? server.label} has room for ${rooms[index]}`,
  );
  const { cpus, memoryMiB, diskGiB } = sizes.controlplane;
  const each = `${cpus} CPUs, ${formatMiB(memoryMiB)} of memory and ${diskGiB} GiB of disk`;
  return [
    {
      code: "MODEL_PLACEMENT",
      message: `${site.label} has no room for ${count(wanted)} of ${each}: ${where.join(", ")}`,
      hint: "give a server more, add a server or a witness, or lower sizes or controlplanes",
      path: [...site.path, "controlplanes"],
    },
  ];
}

/** Whether the server has enough for its machines that are not control planes. */
function carriesRest(capacity: Capacity, sizes: Sizes): boolean {
  const need = needOf(sizes, loadOf(capacity, 0));
  const disk = capacity.disksGiB.reduce((sum, size) => sum + size, 0);
  return need.cpus <= capacity.cpus && need.memoryMiB <= capacity.memoryMiB && need.diskGiB <= disk;
}

function count(controlplanes: number): string {
  return `${controlplanes} control plane${controlplanes === 1 ? "" : "s"}`;
}
