/** What work on machines costs while it lasts: which promises do not hold, and how many of their kind are left. */
import { machinesOf, type SitePlan } from "#plan/plan.ts";
import { brokenBy, type FaultGraph, type Promised } from "./graph.ts";

/** Machines that are down, and what that means. */
export interface BlastRadius {
  /** The promises that the work breaks and that held before it. */
  readonly breaks: readonly Promised[];
  /** In words: "1 of 3 control planes of attic is away; nothing is lost by it". */
  readonly says: string;
}

const NOUNS = { ecam: "ECAM", controlplane: "control plane", worker: "worker" } as const;

/**
 * The blast radius of taking machines of one site down.
 * @param down machines that are away already, in the whole federation.
 * @param machines those that the work takes away beside them.
 */
export function blastRadius(
  graph: FaultGraph,
  site: SitePlan,
  down: readonly string[],
  machines: readonly string[],
): BlastRadius {
  const idOf = (name: string): string => `machine:${name}`;
  const before = new Set(brokenBy(graph, down.map(idOf)).map(({ id }) => id));
  const away = [...new Set([...down, ...machines])];
  const breaks = brokenBy(graph, away.map(idOf)).filter(({ id }) => !before.has(id));
  const outcome =
    breaks.length === 0
      ? "nothing is lost by it"
      : `meanwhile not true: ${breaks.map(({ says }) => says).join("; ")}`;
  return { breaks, says: `${awayOf(site, machines, away)}; ${outcome}` };
}

/** How many of each role that the work touches are away then. */
function awayOf(site: SitePlan, machines: readonly string[], away: readonly string[]): string {
  const roles = [
    ...new Set(site.machines.filter(({ name }) => machines.includes(name)).map(({ role }) => role)),
  ];
  const parts = roles.map((role) => {
    const all = machinesOf(site, role);
    const gone = all.filter(({ name }) => away.includes(name)).length;
    return `${gone} of ${all.length} ${NOUNS[role]}${all.length === 1 ? "" : "s"} of ${site.name} away`;
  });
  return parts.join(", ");
}
