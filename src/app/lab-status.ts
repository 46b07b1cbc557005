/** What every site of a lab is like now, and how the sites stand to each other. */
import { siteStatus, type SiteStatus } from "#converge/status.ts";
import type { Plan } from "#plan/plan.ts";
import { openSite } from "./lab.ts";
import { askFederation, type FederationSummary } from "./lab-membership.ts";

export type { MachineStatus, SiteStatus } from "#converge/status.ts";
export type { FederationSummary } from "./lab-membership.ts";

export interface LabStatus {
  readonly sites: readonly SiteStatus[];
  readonly federation: FederationSummary;
}

/** Every on-prem site's state; sites are asked side by side. */
export async function labStatus(plan: Plan): Promise<LabStatus> {
  const contexts = plan.sites.filter((site) => site.kind === "on-prem").map((site) => openSite(plan, site));
  try {
    const [sites, federation] = await Promise.all([
      Promise.all(contexts.map((context) => siteStatus(context))),
      askFederation(plan, contexts),
    ]);
    return { sites, federation };
  } finally {
    await Promise.all(contexts.map((context) => context.close()));
  }
}
