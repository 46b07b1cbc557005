/** From the file and its plan to the fault graph of the whole federation. */
import type { Federation } from "#model/federation.ts";
import type { Plan } from "#plan/plan.ts";
import { GraphBuilder } from "./builder.ts";
import type { FaultGraph } from "./graph.ts";
import { addSite } from "./site.ts";

/**
 * Everything the plan knows and what it promises. `plan` is the plan of
 * `federation`. A rented site counts as one component: its provider runs the rest.
 */
export function buildGraph(federation: Federation, plan: Plan): FaultGraph {
  const builder = new GraphBuilder(federation);
  const alone = federation.sites.length === 1;
  const outside: number[] = [];
  const names: number[] = [];
  const hubs = new Map<string, number>();
  for (const site of federation.sites) {
    const planned = plan.sites.find(({ name }) => name === site.name);
    if (site.kind !== "on-prem" || planned === undefined) {
      outside.push(builder.component("site", site.name, site.name));
      continue;
    }
    const nodes = addSite(builder, site, planned, alone);
    outside.push(nodes.outside);
    names.push(nodes.names);
    hubs.set(site.name, nodes.hub);
  }
  const nowhere = builder.any("the service can't be reached anywhere", [
    builder.all("no site's services can be reached from outside", outside),
    builder.all("no name server can be asked", names),
  ]);
  builder.promise("somewhere", undefined, nowhere, "the service is reachable somewhere");
  addCrown(builder, federation.crown, hubs);
  addBackups(builder, federation);
  return builder.graph();
}

function addCrown(builder: GraphBuilder, crown: string, hubs: ReadonlyMap<string, number>): void {
  const holder = hubs.get(crown);
  const stopped = builder.any("changes to the federation have stopped", holder === undefined ? [] : [holder]);
  builder.promise(
    "changes",
    undefined,
    stopped,
    `changes to the federation are possible while ${crown} leads`,
  );
  const nobody = builder.all("no site can hold the crown", [...hubs.values()]);
  builder.promise("crown", undefined, nobody, "some site can hold the crown");
}

function addBackups(builder: GraphBuilder, { backups }: Federation): void {
  const copies = backups.map(({ name, site }) => {
    const medium = builder.component("backup", name, site);
    if (site === undefined) return medium;
    return builder.any(`the copy ${name} is lost`, [medium, builder.component("site", site, site)]);
  });
  const lost = builder.all(copies.length > 0 ? "every backup copy is lost" : "there is no backup", copies);
  builder.promise("backup", undefined, lost, "a backup can be restored");
}
