/** Every fault that a drill knows: one for each component of the proof, and those that no component stands for. */
import { type Component, componentsOf, type FaultGraph } from "#failure/graph.ts";
import type { Federation } from "#model/federation.ts";
import { type MachinePlan, machinesOf, type Plan, type SitePlan } from "#plan/plan.ts";
import { corruptDatabase, fillDisk } from "./etcd-faults.ts";
import type { Fault } from "./fault.ts";
import { groundFault, powerCut } from "./power.ts";
import { holdProgram, killProgram, PROGRAMS } from "./programs.ts";

/** A component that no fault stands for, and why. */
export interface Undrilled {
  readonly id: string;
  readonly reason: string;
}

export interface Catalogue {
  /** In the order of the graph: what `--all` makes. */
  readonly components: readonly Fault[];
  /** Faults that are no component's loss. */
  readonly others: readonly Fault[];
  readonly undrilled: readonly Undrilled[];
}

export function catalogue(federation: Federation, plan: Plan, graph: FaultGraph): Catalogue {
  const components: Fault[] = [];
  const undrilled: Undrilled[] = [];
  for (const component of componentsOf(graph)) {
    const site = plan.sites.find(({ name }) => name === component.site);
    const made = site?.kind === "on-prem" ? componentFault(federation, site, component) : RENTED;
    if (typeof made === "string") undrilled.push({ id: component.id, reason: made });
    else components.push(made);
  }
  const others = plan.sites.filter(({ kind }) => kind === "on-prem").flatMap(otherFaults);
  return { components, others, undrilled };
}

const RENTED = "it is not on this ground";

/** The fault that is a component's loss, or why there is none. */
function componentFault(federation: Federation, site: SitePlan, { id, kind }: Component): Fault | string {
  const name = id.slice(id.indexOf(":") + 1);
  switch (kind) {
    case "site":
      return powerCut(id, site, site.machines, loseRouter(site));
    case "server":
      return powerCut(
        id,
        site,
        site.machines.filter(({ server }) => `${site.name}/${server}` === name),
      );
    case "disk":
      return diskLoss(site, id, name);
    case "machine":
      return powerCut(
        id,
        site,
        site.machines.filter((machine) => machine.name === name),
      );
    case "common-cause":
      return powerCut(
        id,
        site,
        site.machines.filter(({ role }) => `${site.name}/${role}` === name),
      );
    case "router":
      return loseRouter(site);
    case "line":
      return lineCut(federation, site, id, name);
    case "address":
      return groundFault(id, site, `take the address ${name} from ${site.name}`, [id], ({ faults }) =>
        faults.removeAddress(site, name),
      );
    case "haproxy":
    case "keepalived":
    case "etcd":
    case "apiserver":
    case "containerd":
      return programLoss(site, kind, name) ?? `the plan has no machine ${name}`;
    case "nameserver":
      return "the sites run no name server yet";
    case "feed":
      return "the lab has no power feeds; drill the servers that hang on it";
    case "switch":
      return "a site of the lab is one switch; drill the servers that hang on it";
    case "controller":
      return "the lab has no disk controllers; drill the disks that hang on it";
    case "device":
      return "the lab's machines are given no devices";
    case "backup":
      return "no backup is kept yet";
  }
}

/** Machines whose root is on the disk stop; a disk of data alone is no fault the lab can make. */
function diskLoss(site: SitePlan, id: string, name: string): Fault | string {
  const gone = site.machines.filter(({ server, disks }) =>
    disks.some((disk) => disk.name === "root" && `${site.name}/${server}/${disk.from}` === name),
  );
  return gone.length === 0 ? "no machine starts from it" : powerCut(id, site, gone);
}

function loseRouter(site: SitePlan): Fault {
  const id = `router:${site.name}`;
  return groundFault(id, site, `take the router of ${site.name} away`, [id], ({ faults }) =>
    faults.loseRouter(site),
  );
}

/** The lab has one line per site; where the file names several, each is lost as the addresses it brings. */
function lineCut(federation: Federation, site: SitePlan, id: string, name: string): Fault {
  const lines = federation.sites.find((one) => one.name === site.name)?.network.lines ?? [];
  const brings = lines.find((line) => `${site.name}/${line.name}` === name)?.external;
  return groundFault(id, site, `cut the internet line ${name}`, [id], async ({ faults }) => {
    if (brings === undefined) await faults.cutLine(site);
    for (const address of brings ?? []) await faults.removeAddress(site, address);
  });
}

function programLoss(site: SitePlan, kind: string, name: string): Fault | undefined {
  const program = PROGRAMS.find((one) => one.kind === kind);
  const machine = site.machines.find((one) => one.name === name);
  return program && machine && holdProgram(program, site, machine);
}

function otherFaults(site: SitePlan): readonly Fault[] {
  const etcds = machinesOf(site, "controlplane");
  return [
    ...site.machines.map((machine) => freeze(site, machine)),
    ...PROGRAMS.flatMap((program) =>
      site.machines
        .filter(({ role }) => program.roles.includes(role))
        .map((machine) => killProgram(program, site, machine)),
    ),
    ...etcds.flatMap((machine) => [fillDisk(site, machine), corruptDatabase(site, machine)]),
    ...pairs(site.machines).flatMap(([left, right]) => [
      cut(site, `cut:${left.name}=${right.name}`, [
        [left, right],
        [right, left],
      ]),
      cut(site, `cut:${left.name}>${right.name}`, [[left, right]]),
      cut(site, `cut:${right.name}>${left.name}`, [[right, left]]),
    ]),
  ];
}

function freeze(site: SitePlan, { name }: MachinePlan): Fault {
  return groundFault(`freeze:${name}`, site, `freeze ${name}`, [`machine:${name}`], ({ faults }) =>
    faults.freeze(site, name),
  );
}

function cut(site: SitePlan, id: string, ways: readonly (readonly [MachinePlan, MachinePlan])[]): Fault {
  const [[from, to] = []] = ways;
  const how = ways.length > 1 ? "both ways" : "one way";
  const says = `cut the link from ${from?.name ?? ""} to ${to?.name ?? ""}, ${how}`;
  return groundFault(id, site, says, [], async ({ faults }) => {
    for (const [one, other] of ways) await faults.cutLink(site, one.name, other.name);
  });
}

/** Every two of a list, in its order. */
export function pairs<T>(items: readonly T[]): readonly (readonly [T, T])[] {
  return items.flatMap((left, index) => items.slice(index + 1).map((right) => [left, right] as const));
}
