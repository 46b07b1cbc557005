/** The joining site's side: asks the hub with a join token, waits for the word, opens what it is given. */
import { wrongUse, PanopticonError } from "#base/errors.ts";
import { type Kube, KubeError } from "#ports/kube.ts";
import type { CrownSite } from "../api/crown.ts";
import { FEDERATION_GROUP } from "../api/names.ts";
import type { SiteRequest } from "../api/site-request.ts";
import { SITE_REQUESTS } from "../agent/resources.ts";
import type { FirstHub } from "./keys.ts";
import { fingerprint, type KeyPair, unseal } from "./seal.ts";
import type { JoinToken } from "./token.ts";

export interface Asking {
  readonly hub: Kube;
  readonly token: JoinToken;
  readonly site: Omit<CrownSite, "seat">;
  readonly keys: KeyPair;
  readonly say: (what: string) => void;
  readonly signal: AbortSignal;
}

/**
 * How the site reaches its hub from now on. May be cut short anywhere and done
 * again: the same key makes the same request. Errors:
 * FEDERATION_JOIN_TOKEN_EXPIRED, FEDERATION_JOIN_REFUSED.
 */
export async function askToJoin(asking: Asking): Promise<FirstHub> {
  const { hub, token, site, keys, say, signal } = asking;
  const name = `${site.name}.${fingerprint(keys.publicKey)}`;
  await request(asking, name);
  say(`asked ${token.hub} to join; its key's fingerprint is ${fingerprint(keys.publicKey)}`);
  const { sealed = "" } = await decided(hub, name, say, signal);
  const access = unseal(sealed, keys, { from: token.hub, to: site.name });
  return {
    site: token.hub,
    endpoints: token.endpoints,
    ...(token.authority !== undefined && { authority: token.authority }),
    token: access,
  };
}

async function request({ hub, token, site, keys, signal }: Asking, name: string): Promise<void> {
  const { name: siteName, kind, endpoints, caBundle } = site;
  const spec: SiteRequest["spec"] = {
    site: siteName,
    token: token.id,
    kind,
    endpoints,
    ...(caBundle !== undefined && { caBundle }),
    publicKey: keys.publicKey,
  };
  const head = { apiVersion: `${FEDERATION_GROUP}/v1`, kind: "SiteRequest", metadata: { name } };
  try {
    await hub.create({ resource: SITE_REQUESTS }, { ...head, spec }, { signal });
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    if (error.code !== "KUBE_ALREADY_EXISTS") throw inWords(error);
  }
}

/** Follows the request until the hub has decided; a wait may be long where a person has to. */
function decided(
  hub: Kube,
  name: string,
  say: (what: string) => void,
  signal: AbortSignal,
): Promise<NonNullable<SiteRequest["status"]>> {
  return new Promise((resolve, reject) => {
    const end = new AbortController();
    const ends = AbortSignal.any([signal, end.signal]);
    let said = "";
    const see = (found: SiteRequest | undefined): void => {
      const status = found?.status;
      if (!found) fail(expired("the hub has the request no more"));
      else if (status?.phase === "Refused") fail(refused(status.message));
      else if (status?.phase === "Admitted" && status.sealed !== undefined) {
        end.abort();
        resolve(status);
      } else if (status && status.message !== said) say((said = status.message));
    };
    const fail = (error: Error): void => {
      end.abort();
      reject(error);
    };
    signal.addEventListener("abort", () => reject(new Error("it was ended")), { once: true });
    const follower = {
      replace: (items: readonly SiteRequest[]) => see(items[0]),
      change: (type: string, one: SiteRequest) => see(type === "deleted" ? undefined : one),
      trouble: (error: KubeError) => {
        if (error.status === 401) fail(inWords(error));
        else say(error.message);
      },
    };
    const fieldSelector = `metadata.name=${name}`;
    hub.listAndWatch({ resource: SITE_REQUESTS }, follower, { fieldSelector, signal: ends }).catch(reject);
  });
}

function inWords(error: KubeError): PanopticonError {
  if (error.status === 401) return expired("the hub does not know it any more", error);
  const [problem] = error.problems;
  const passes = problem?.message.includes("try again in a moment");
  return error.status === 403 && !passes ? refused(problem?.message ?? error.message) : error;
}

function expired(why: string, cause?: unknown): PanopticonError {
  const error = wrongUse(
    "FEDERATION_JOIN_TOKEN_EXPIRED",
    `the join token has expired or was withdrawn: ${why}`,
    "Make a new one at the hub: panopticon site token create",
  );
  return cause === undefined ? error : new PanopticonError(error.problems, 2, { cause });
}

function refused(why: string): PanopticonError {
  const hint = "Ask whoever keeps the hub; `panopticon site list` there shows the request.";
  const message = `the hub does not let this site join: ${why}`;
  return new PanopticonError([{ code: "FEDERATION_JOIN_REFUSED", message, hint }], 1);
}
