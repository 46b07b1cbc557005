/** How a site becomes a member with a join token: once, and again after whatever cut it short. */
import type { Emit } from "#base/events.ts";
import type { CrownSite } from "#control/federation/api/crown.ts";
import { askToJoin } from "#control/federation/join/ask.ts";
import { heldToken } from "#control/federation/join/held.ts";
import { type FirstHub, keepFirstHub, readFirstHub } from "#control/federation/join/keys.ts";
import type { KeyPair } from "#control/federation/join/seal.ts";
import { CROWNS } from "#control/federation/agent/resources.ts";
import { readJoinToken } from "#control/federation/join/token.ts";
import { pause, systemClock } from "#control/runtime/clock.ts";
import { openKube } from "#drivers/kube/client.ts";
import { type Kube, KubeError } from "#ports/kube.ts";

const AGAIN_MS = 2000;
/** Answers that another try won't change. */
const FINAL = [400, 401, 403, 404, 422];

export interface Membership {
  readonly own: Kube;
  readonly site: Omit<CrownSite, "seat">;
  /** Not needed any more once the site has joined. */
  readonly joinToken: string | undefined;
  readonly keys: () => Promise<KeyPair>;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/**
 * The hub that the site joined at; undefined where it has not and has no token
 * either. Errors: FEDERATION_JOIN_…, KUBE_… where the hub refuses for good.
 */
export async function joinedHub(membership: Membership): Promise<FirstHub | undefined> {
  const { own, site, joinToken, emit, signal } = membership;
  const token = joinToken === undefined ? undefined : readJoinToken(joinToken);
  const say = (what: string): void => emit({ kind: "note", subject: site.name, what });
  while (!signal.aborted) {
    try {
      const known = await readFirstHub(own);
      const welcome = known && (await lets(membership, known));
      if (known && !welcome && !token)
        say(`${known.site} does not know this site any more: it needs a join token`);
      if (!token || welcome) return known;
      const keys = await membership.keys();
      const { token: bearer, authority, endpoints } = token;
      const [server = ""] = endpoints;
      const hub = openKube({ server, token: bearer, ...(authority !== undefined && { authority }) });
      try {
        const joined = await askToJoin({ hub, token, site, keys, say, signal });
        await keepFirstHub(own, joined);
        say(`has joined at ${joined.site}; its join token is not needed any more`);
        return joined;
      } finally {
        await hub.close();
      }
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!(error instanceof KubeError) || FINAL.includes(error.status)) throw error;
      say(`${error.message}; trying again`);
      await pause(systemClock, AGAIN_MS, signal);
    }
  }
  return undefined;
}

/** Whether the hub still knows the site; one that does not answer is not asked again for a credential. */
async function lets({ own, keys, site }: Membership, { endpoints, ...hub }: FirstHub): Promise<boolean> {
  const [server = ""] = endpoints;
  const way = { from: hub.site, to: site.name };
  const token = heldToken(own, keys, way, hub.token, () => performance.now());
  const kube = openKube({ server, token, ...(hub.authority !== undefined && { authority: hub.authority }) });
  try {
    await kube.list({ resource: CROWNS }, { timeoutSeconds: 5 });
    return true;
  } catch (error) {
    return !(error instanceof KubeError) || error.status !== 401;
  } finally {
    await kube.close();
  }
}
