/** Giving another site's agent a credential at this API, and telling when it is time for the next one. */
import type { Kube } from "#ports/kube.ts";
import type { CrownSite } from "../api/crown.ts";
import type { SealedAccess } from "../api/site-access.ts";
import { SYSTEM_NAMESPACE } from "../api/names.ts";
import { ensureAgentAccount, issueToken } from "./account.ts";
import { agentAccount } from "./identity.ts";
import { fingerprint, seal, type Way } from "./seal.ts";

const DAY_SECONDS = 24 * 3600;
/**
 * A site that was away for so long is not let in any more, so it is long; what
 * is stolen ends at once with its account.
 */
const TOKEN_SECONDS = 30 * DAY_SECONDS;
/** Of a token's time, after which the next one is given: the rest is for a site that is away to miss. */
const RENEW_SHARE = 1 / 3;

/**
 * An account for the agent of `way.to` at the API of `way.from`, and a token of
 * it that only that site can read.
 * @param way `kind` is that of the site `to`: a cloud's agent gets fewer rights
 */
export async function grantAccess(
  kube: Kube,
  way: Way & { readonly kind: CrownSite["kind"] },
  publicKey: string,
): Promise<SealedAccess> {
  await ensureAgentAccount(kube, way.to, way.kind);
  const account = { namespace: SYSTEM_NAMESPACE, name: agentAccount(way.to) };
  const { token, issuedAt, expiresAt } = await issueToken(kube, account, TOKEN_SECONDS);
  const begun = Date.parse(issuedAt);
  const renewAt = new Date(begun + (Date.parse(expiresAt) - begun) * RENEW_SHARE).toISOString();
  const sealed = seal(token, publicKey, { from: way.from, to: way.to });
  return { site: way.to, key: fingerprint(publicKey), sealed, expiresAt, renewAt };
}

/** Seconds until the next one is due; 0 where there is none yet, or one for a key that the site has no more. */
export function dueSeconds(access: SealedAccess | undefined, publicKey: string, now: Date): number {
  if (!access || access.key !== fingerprint(publicKey)) return 0;
  return Math.max(0, (Date.parse(access.renewAt) - now.getTime()) / 1000);
}
