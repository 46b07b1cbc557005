/** Who is a site's agent: the names that its credentials carry, and how admission policies read them. */
import { SYSTEM_NAMESPACE } from "../api/names.ts";

/** Every agent's client certificate names this organization; rights at other sites' APIs are the group's. */
export const AGENTS_GROUP = "panopticon:agents";

/** Likewise of external cloud sites' agents, which read nothing there but what they are shown. */
export const CLOUD_AGENTS_GROUP = "panopticon:cloud-agents";

/** User names of agents with a client certificate begin so; the site's name follows. */
export const AGENT_USER_PREFIX = "panopticon:agent:";

/** Service accounts of agents begin so; where a site's name follows, it is that other site's at this API. */
const AGENT_ACCOUNT = "panopticon-agent";

/** Service accounts that may ask to join, and may do nothing else: one for each token, in a namespace of their own. */
export const JOIN_NAMESPACE = "panopticon-join";

const ACCOUNT_USER = `system:serviceaccount:${SYSTEM_NAMESPACE}:${AGENT_ACCOUNT}`;
const JOIN_USER = `system:serviceaccount:${JOIN_NAMESPACE}:`;
const USER = "request.userInfo.username";

/** The service account by which an API knows the agent of another site. */
export function agentAccount(site: string): string {
  return `${AGENT_ACCOUNT}-${site}`;
}

/** The user names under which a site's own agent may work at its own API. */
export function ownAgents(site: string, agent?: string): readonly string[] {
  const usual = [`${AGENT_USER_PREFIX}${site}`, ACCOUNT_USER, `${ACCOUNT_USER}-${site}`];
  return agent === undefined || usual.includes(agent) ? usual : [agent, ...usual];
}

/** CEL: the request is the own agent's. */
export function byOwnAgent(site: string, agent: string): string {
  return `(${USER} in [${ownAgents(site, agent).map(quoted).join(", ")}])`;
}

/** CEL: the name of the site whose agent asks; empty where it is no agent. */
export const CALLING_SITE = [AGENT_USER_PREFIX, `${ACCOUNT_USER}-`].reduceRight(
  (otherwise, prefix) =>
    `(${USER}.startsWith(${quoted(prefix)}) ? ${USER}.substring(${prefix.length}) : ${otherwise})`,
  "''",
);

/** CEL: who asks has a join token. */
export const BY_JOINER = `${USER}.startsWith(${quoted(JOIN_USER)})`;

/** CEL: the join token that is used. */
export const CALLING_TOKEN = `${USER}.substring(${JOIN_USER.length})`;

/** A CEL string. */
export function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
