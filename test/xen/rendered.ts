/** The domain configurations of every example, of each type that its servers may be given. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { EXAMPLES } from "#app/folders.ts";
import { parseFederation } from "#model/parse.ts";
import { makePlan } from "#plan/make.ts";
import { domainFile } from "#render/xen/config.ts";
import { usualGround, type XenDomain, xenDomain } from "#render/xen/domain.ts";

/** With the domains they say. */
export async function rendered(): Promise<readonly { content: string; domain: XenDomain }[]> {
  const found: { content: string; domain: XenDomain }[] = [];
  for (const file of globSync("*.yaml", { cwd: EXAMPLES }).toSorted()) {
    const plan = await makePlan(parseFederation(readFileSync(join(EXAMPLES, file), "utf8"), file));
    for (const site of plan.sites) {
      for (const machine of site.machines) {
        for (const type of ["pv", machine.passthrough.length > 0 ? "hvm" : "pvh"] as const) {
          const ground = { ...usualGround(plan, machine), type };
          const { content } = domainFile(plan, site, machine, ground);
          found.push({ content, domain: xenDomain(site, machine, ground) });
        }
      }
    }
  }
  return found;
}
