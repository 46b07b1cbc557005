/** The keys of a site as every command of ours has them, those of the sites' agents among them. */
import { AGENT_USER_PREFIX, AGENTS_GROUP } from "#control/federation/join/identity.ts";
import { agentFile } from "#converge/kept.ts";
import { keyFolders, type Keyring, openKeyring } from "#converge/keyring.ts";
import type { KeptClient } from "#converge/pki/site.ts";
import type { Plan, SitePlan } from "#plan/plan.ts";
import { stateDir } from "./folders.ts";

/** As whom the agent of `site` is known to the API of each site that we build. */
export function agentClient({ name }: SitePlan): KeptClient {
  return {
    name: agentFile(name),
    subject: { commonName: `${AGENT_USER_PREFIX}${name}`, organizations: [AGENTS_GROUP] },
  };
}

/** Nothing is read or made before it is asked for. */
export function siteKeyring(plan: Plan, site: SitePlan): Keyring {
  const agents = plan.sites.filter(({ kind }) => kind === "on-prem").map(agentClient);
  return openKeyring(keyFolders(stateDir(plan.federation)), plan, site, () => new Date(), agents);
}
