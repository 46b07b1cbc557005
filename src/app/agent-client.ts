/** As whom a site's agent is known to the API of each site that we build. */
import { AGENT_USER_PREFIX, AGENTS_GROUP } from "#control/federation/join/identity.ts";
import { agentFile } from "#converge/kept.ts";
import type { KeptClient } from "#converge/pki/site.ts";
import type { SitePlan } from "#plan/plan.ts";

/** The agent of `site`, at whichever site's API. */
export function agentClient({ name }: SitePlan): KeptClient {
  return {
    name: agentFile(name),
    subject: { commonName: `${AGENT_USER_PREFIX}${name}`, organizations: [AGENTS_GROUP] },
  };
}
