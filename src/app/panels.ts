/** How a person gets into the panels: where they are, what is asked there, and whom the browser has to trust. */
import { edgeAuthorityFile, ensureEdgeAuthority, ensurePanelCredential } from "#converge/pki/edge.ts";
import type { Plan } from "#plan/plan.ts";
import { edgeFolder } from "./edge-folder.ts";

export interface PanelAccess {
  /** At whichever site answers. */
  readonly url: string;
  readonly sites: readonly { readonly site: string; readonly url: string }[];
  readonly user: string;
  readonly password: string;
  /** File of the authority that signs every site's certificate; good for the domain alone. */
  readonly authority: string;
}

/** The credential and the authority are made where they lack: sites take them over when they are brought up. */
export async function panelAccess(plan: Plan): Promise<PanelAccess> {
  const folder = edgeFolder(plan);
  await ensureEdgeAuthority(folder, plan.domain, new Date());
  const { user, password } = await ensurePanelCredential(folder);
  return {
    url: `https://control.${plan.domain}/`,
    sites: plan.sites.map(({ name, domain }) => ({ site: name, url: `https://control.${domain}/` })),
    user,
    password,
    authority: edgeAuthorityFile(folder),
  };
}
