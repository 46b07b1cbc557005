/** What every site of a lab is like now. */
import { siteStatus, type SiteStatus } from "#converge/status.ts";
import type { Plan } from "#plan/plan.ts";
import { openSite } from "./lab.ts";

export type { MachineStatus, SiteStatus } from "#converge/status.ts";

/** Every on-prem site's state; sites are asked side by side. */
export async function labStatus(plan: Plan): Promise<readonly SiteStatus[]> {
  const sites = plan.sites.filter((site) => site.kind === "on-prem");
  return Promise.all(
    sites.map(async (site) => {
      const context = openSite(plan, site);
      try {
        return await siteStatus(context);
      } finally {
        await context.close();
      }
    }),
  );
}
