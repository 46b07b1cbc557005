import highsModule from "highs";
import { PanopticonError } from "#base/errors.ts";
import type { Role, Site } from "#model/federation.ts";
import { type Host, loadOf, type Unit } from "./capacity.ts";

/** The package's types describe its CommonJS build; its module's default export is the loader itself. */
const loadHighs = highsModule as unknown as typeof highsModule.default;

/** Compiled once; every solve starts from nothing, so it keeps no state that a plan could depend on. */
let solver: ReturnType<typeof loadHighs> | undefined;

/** A placement with its root disks. */
export interface Packing {
  /** Control planes by host. */
  readonly counts: readonly number[];
  /** By host and role, the disk each root is cut from. */
  readonly disks: readonly Readonly<Record<Role, readonly string[]>>[];
}

const ROLES: readonly Role[] = ["ecam", "controlplane", "worker"];

/**
 * Solves exactly, as a mixed integer program, which units are taken and from
 * which disk every root is cut; undefined where nothing fits. A unit costs its
 * place in the order of preference, so the best choice is the only one.
 */
export async function pack(
  site: Site,
  hosts: readonly Host[],
  units: readonly Unit[],
): Promise<Packing | undefined> {
  solver ??= loadHighs();
  const highs = await solver;
  const { Status, Columns } = highs.solve(writeModel(site, hosts, units), { mip_rel_gap: 0, mip_abs_gap: 0 });
  if (Status === "Infeasible") return undefined;
  if (Status !== "Optimal")
    throw new PanopticonError(
      [
        {
          code: "PLAN_SOLVER",
          message: `HiGHS gave up on the placement of site ${site.name}: ${Status}`,
          subject: site.name,
        },
      ],
      3,
    );
  const value = (name: string) => Math.round((Columns[name] as { Primal?: number } | undefined)?.Primal ?? 0);
  const disks = hosts.map(({ server, index }) => {
    const of = (role: Role) =>
      server.disks.flatMap(({ name }, disk) => Array<string>(value(cutName(index, role, disk))).fill(name));
    return { ecam: of("ecam"), controlplane: of("controlplane"), worker: of("worker") };
  });
  return { counts: disks.map(({ controlplane }) => controlplane.length), disks };
}

/** The program in CPLEX's LP format, which HiGHS reads. */
function writeModel(site: Site, hosts: readonly Host[], units: readonly Unit[]): string {
  const rules = [
    `${sum(units.map(unitName))} = ${site.controlplanes}`,
    ...hosts.flatMap((host) => hostRules(site, host, units)),
  ];
  return [
    "Minimize",
    ` cost: ${sum(units.map((unit, cost) => `${cost} ${unitName(unit)}`))}`,
    "Subject To",
    ...rules.map((rule, index) => ` rule${index}: ${rule}`),
    "General",
    ...hosts.flatMap((host) => ROLES.map((role) => ` ${cutNames(host, role).join(" ")}`)),
    "Binary",
    ` ${units.map(unitName).join(" ")}`,
    "End",
  ].join("\n");
}

function hostRules(site: Site, host: Host, units: readonly Unit[]): readonly string[] {
  const own = units.filter((unit) => unit.host === host);
  const load = loadOf(host.server, 0);
  const cutAll = ROLES.filter((role) => role !== "controlplane").map(
    (role) => `${sum(cutNames(host, role))} = ${load[role]}`,
  );
  const cutTaken = `${sum([...cutNames(host, "controlplane"), ...own.map((unit) => `- ${unitName(unit)}`)])} = 0`;
  const required = own.slice(0, host.required).map((unit) => `${unitName(unit)} = 1`);
  const disks = host.server.disks.map(({ sizeGiB }, disk) => {
    const parts = ROLES.map((role) => `${site.sizes[role].diskGiB} ${cutName(host.index, role, disk)}`);
    return `${sum(parts)} <= ${sizeGiB}`;
  });
  return [...cutAll, cutTaken, ...required, ...disks];
}

/** Terms joined by plus signs; a term may bring its own minus sign. */
function sum(terms: readonly string[]): string {
  return terms.join(" + ").replaceAll("+ - ", "- ");
}

function cutNames(host: Host, role: Role): readonly string[] {
  return host.server.disks.map((_, disk) => cutName(host.index, role, disk));
}

function cutName(host: number, role: Role, disk: number): string {
  return `cut_${host}_${role}_${disk}`;
}

function unitName({ host, level }: Unit): string {
  return `unit_${host.index}_${level}`;
}
