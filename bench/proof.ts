import { buildGraph } from "#failure/build.ts";
import { prove } from "#failure/prove.ts";
import { makePlan } from "#plan/make.ts";
import type { Figure } from "./figure.ts";
import { manySites } from "./plan.ts";

/** Sites of 10 servers each; the last is the size that the goals are for. */
const SITES = [10, 20, 50, 100];

/** Proves ever larger federations: every promise, by pairs and by triples, on one core; the plan is made before. */
export async function proofBench(): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const sites of SITES) {
    const file = manySites(sites, [{ name: "ssd", sizeGiB: 1000 }]);
    const plan = await makePlan(file);
    const largest = sites === SITES.at(-1);
    const components = buildGraph(file.federation, plan).nodes.length;
    for (const order of [2, 3]) {
      const start = performance.now();
      prove(file.federation, plan, { order, without: [] });
      figures.push({
        figure: `proof of ${sites * 10} servers in ${sites} sites (${components} nodes), order ${order}`,
        value: (performance.now() - start) / 1000,
        unit: "s",
        goal: largest ? (order === 2 ? "≤ 1" : "≤ 10") : "",
      });
    }
  }
  const peak = process.resourceUsage().maxRSS / 1024;
  return [
    ...figures,
    { figure: "memory of the process at its most", value: peak, unit: "MiB", goal: "≤ 500" },
  ];
}
