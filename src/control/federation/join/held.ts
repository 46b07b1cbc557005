/** The credentials that other sites have given to this one: in the mirrors, sealed to this site's key. */
import { type Kube, KubeError } from "#ports/kube.ts";
import { FEDERATION_GROUP } from "../api/names.ts";
import { mirrorName } from "../api/mirror.ts";
import type { SiteAccess } from "../api/site-access.ts";
import { MIRRORS } from "../agent/resources.ts";
import { type KeyPair, unseal, type Way } from "./seal.ts";

/** For so long what was found is used without another look. */
const FRESH_MS = 60_000;
/** For so long nothing is looked for again that was not there. */
const LATER_MS = 2000;

export interface HeldToken {
  current(): Promise<string>;
  /** The other site's API does not take it: whether there is another one by now. */
  refused(token: string): Promise<boolean>;
}

/**
 * The token that `way.from` has given to `way.to`, the newest that is mirrored.
 * FEDERATION_NO_CREDENTIAL (a KubeError, tried again) where there is none yet.
 * @param first used as long as none is mirrored
 */
export function heldToken(
  own: Kube,
  keys: () => Promise<KeyPair>,
  way: Way,
  first: string | undefined,
  now: () => number,
): HeldToken {
  let known: string | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;
  const look = async (): Promise<void> => {
    lookedAt = now();
    known = (await newestToken(own, await keys(), way)) ?? known;
  };
  const current = async (): Promise<string> => {
    if (now() - lookedAt > (known === undefined ? LATER_MS : FRESH_MS))
      await look().catch((error: unknown) => {
        // Its own API is away: what was known is as good as before.
        if ((known ?? first) === undefined) throw error;
      });
    const token = known ?? first;
    if (token !== undefined) return token;
    const message = `${way.from} has given no credential to ${way.to} yet`;
    const hint = "It does as soon as the agents of both reach the hub; until then name a kubeconfig.";
    throw new KubeError({ code: "FEDERATION_NO_CREDENTIAL", message, hint }, 0, "");
  };
  return {
    current,
    refused: async (token) => {
      await look();
      return (await current()) !== token;
    },
  };
}

async function newestToken(own: Kube, keys: KeyPair, way: Way): Promise<string | undefined> {
  const key = { group: FEDERATION_GROUP, kind: "SiteAccess", namespace: "", name: way.from };
  const mirror = await own.find({ resource: MIRRORS, name: mirrorName(key) });
  const access = mirror?.spec.body as SiteAccess | undefined;
  const mine = access?.spec.access.find(({ site }) => site === way.to);
  return mine && unseal(mine.sealed, keys, way);
}
