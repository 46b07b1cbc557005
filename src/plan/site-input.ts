import type { FederationFile, Site } from "#model/federation.ts";
import type { SitePlan } from "./plan.ts";

/** What the planning of one site starts from. */
export interface SiteInput {
  readonly file: FederationFile;
  readonly site: Site;
  /** The site's path in the file, such as `sites[0]`. */
  readonly path: string;
  readonly number: number;
  /** The site as it was planned before, where it was. */
  readonly previous: SitePlan | undefined;
}
