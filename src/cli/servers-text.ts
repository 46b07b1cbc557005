/** Servers and their machines as a person reads them. */
import type { MachineLook, ServerStatus } from "#app/servers-status.ts";
import { colour, table } from "./print.ts";

/** What is said before a difference; the others speak for themselves. */
const IN_WORDS = { file: "file: ", domain: "domain: ", autostart: "", disk: "" } as const;

/** Two tables, and what is not ours on the servers. */
export function serverLines(servers: readonly ServerStatus[]): readonly string[] {
  const machines = servers.flatMap((server) =>
    server.machines.flatMap((machine) => machineRows(server, machine)),
  );
  return [
    ...table(["server", "address", "state", "dom0", "free", "machines"], servers.map(serverRow)),
    "",
    ...(machines.length > 0
      ? [...table(["machine", "server", "state", "memory", "differs from its plan"], machines), ""]
      : []),
    ...servers.flatMap(({ site, name, others }) =>
      others.length > 0
        ? [
            `${site}/${name} also runs ${others.map((other) => other.name).join(", ")}, not of this federation.`,
          ]
        : [],
    ),
  ];
}

function serverRow({
  site,
  name,
  address,
  trouble,
  memory,
  machines,
  well,
}: ServerStatus): readonly string[] {
  const where = [`${site}/${name}`, address];
  if (trouble) return [...where, colour("red", "not seen"), "-", "-", trouble.message];
  const planned = machines.filter((machine) => machine.planned);
  const fine = planned.filter(isFine).length;
  return [
    ...where,
    well ? colour("green", "well") : colour("red", "unwell"),
    memory?.dom0MiB === undefined ? "-" : `${memory.dom0MiB} MiB`,
    memory ? `${memory.freeMiB} of ${memory.totalMiB} MiB` : "-",
    `${fine} of ${planned.length} run as planned`,
  ];
}

/** One row for each difference; the second one of a machine stands alone in its line. */
function machineRows({ name: server }: ServerStatus, machine: MachineLook): readonly (readonly string[])[] {
  const { name, state, memoryMiB, crashes, planned, differences } = machine;
  const said = [
    ...(planned ? [] : ["is not in the plan"]),
    ...(crashes > 0 && state === "running"
      ? [`(crashed and restarted: ${crashes} times since it was made)`]
      : []),
    ...differences.map(
      ({ where, what, restart }) => `${IN_WORDS[where]}${what}${restart ? " (wants a restart)" : ""}`,
    ),
  ];
  const memory = memoryMiB === undefined ? "-" : `${memoryMiB} MiB`;
  const word = colour(state === "running" ? "green" : "red", state);
  return (said.length > 0 ? said : [""]).map((what, index) =>
    index === 0 ? [name, server, word, memory, what] : ["", "", "", "", what],
  );
}

function isFine({ state, differences }: MachineLook): boolean {
  return state === "running" && differences.length === 0;
}
