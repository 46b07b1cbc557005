/** What runs in every site's cluster beside the federation's agent, as convergence sees it. */
import type { Step } from "./step.ts";

/** The steps of each, in order; the add-ons themselves need not wait for each other. */
export interface SiteAddOns {
  /** What the programs on the ECAMs may do at the API. */
  readonly rights: readonly Step[];
  /** Gives Services their outer addresses, and announces them in the LAN. */
  readonly loadBalancer: readonly Step[];
  /** Takes requests by name to services. */
  readonly ingress: readonly Step[];
  /** Where services keep data; none where a storage system is the person's own. */
  readonly volumes: readonly Step[];
  /** Says what nodes and pods use. */
  readonly metrics: readonly Step[];
}
