/** What the hub's administrator does for sites that join: tokens, and the decision about who asks. */
import { randomBytes } from "node:crypto";
import { PanopticonError, wrongUse } from "#base/errors.ts";
import { installFence, installResources } from "#control/federation/agent/install.ts";
import { ACCOUNTS, SITE_REQUESTS } from "#control/federation/agent/resources.ts";
import type { CrownSite } from "#control/federation/api/crown.ts";
import type { SiteRequest } from "#control/federation/api/site-request.ts";
import { issueToken } from "#control/federation/join/account.ts";
import { JOIN_NAMESPACE } from "#control/federation/join/identity.ts";
import { joinTokenText, TOKEN_ANNOTATION, type TokenRules } from "#control/federation/join/token.ts";
import type { Kube, KubeObject } from "#ports/kube.ts";
import { openCrown } from "./removal.ts";

/** The API gives no shorter ones (TokenRequest: at least 10 minutes). */
const SHORTEST_SECONDS = 600;
const LONGEST_SECONDS = 7 * 24 * 3600;

/** Gives a site's API what its agent needs: resources, its rights and those of others, and the fence. */
export async function prepareSite(kube: Kube, site: string): Promise<void> {
  await installResources(kube);
  await installFence(kube, site);
}

export interface TokenWish {
  readonly seconds: number;
  readonly site?: string;
  readonly kind?: CrownSite["kind"];
  readonly labels: Readonly<Record<string, string>>;
  /** How those who join reach the hub, where not as all others do. */
  readonly endpoints?: readonly string[];
}

export interface MadeToken {
  readonly text: string;
  readonly expiresAt: string;
}

/** A join token; errors: FEDERATION_JOIN_TTL, FEDERATION_NOT_HUB, FEDERATION_NONE. */
export async function makeJoinToken(kube: Kube, wish: TokenWish): Promise<MadeToken> {
  const { seconds, site, kind, labels, endpoints } = wish;
  if (!(seconds >= SHORTEST_SECONDS && seconds <= LONGEST_SECONDS))
    throw wrongUse(
      "FEDERATION_JOIN_TTL",
      `a join token can't last ${seconds} s`,
      "Choose from 10 minutes to 7 days, such as --ttl 1h.",
    );
  const { spec } = await openCrown(kube);
  const id = randomBytes(5).toString("hex");
  const expires = new Date(Date.now() + seconds * 1000).toISOString();
  const rules: TokenRules = { ...(site && { site }), ...(kind && { kind }), labels, expiresAt: expires };
  const account: KubeObject & { readonly automountServiceAccountToken: boolean } = {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: id, annotations: { [TOKEN_ANNOTATION]: JSON.stringify(rules) } },
    automountServiceAccountToken: false,
  };
  await kube.create({ resource: ACCOUNTS, namespace: JOIN_NAMESPACE }, account);
  const { token, expiresAt } = await issueToken(kube, { namespace: JOIN_NAMESPACE, name: id }, seconds);
  const hub = spec.sites.find(({ name }) => name === spec.holder);
  const authority = hub?.caBundle && Buffer.from(hub.caBundle, "base64").toString();
  const text = joinTokenText({
    hub: spec.holder,
    endpoints: [...(endpoints ?? hub?.endpoints ?? [])],
    ...(authority && { authority }),
    id,
    token,
  });
  return { text, expiresAt };
}

export async function listRequests(kube: Kube): Promise<readonly SiteRequest[]> {
  return (await kube.list({ resource: SITE_REQUESTS })).items;
}

/**
 * Decides a request. Errors: FEDERATION_REQUEST_UNKNOWN,
 * FEDERATION_REQUEST_AMBIGUOUS where several agents ask for the same name.
 * @param name of the site, or of the very request
 */
export async function decideRequest(
  kube: Kube,
  name: string,
  decision: "Admit" | "Refuse",
): Promise<readonly SiteRequest[]> {
  const requests = await listRequests(kube);
  const meant = requests.filter(
    ({ metadata, spec, status }) =>
      metadata?.name === name || (spec.site === name && status?.phase !== "Admitted"),
  );
  const waiting = meant.filter(({ status }) => status?.phase !== "Refused");
  const open = waiting.length > 0 ? waiting : meant;
  const names = open.map(({ metadata }) => metadata?.name ?? "");
  // With several tokens one agent asks several times.
  if (new Set(open.map(({ spec }) => spec.publicKey)).size > 1)
    throw new PanopticonError(
      [
        {
          code: "FEDERATION_REQUEST_AMBIGUOUS",
          message: `${open.length} agents ask to join as ${name}: ${names.join(", ")}`,
          hint: "Name the one that its agent's output shows.",
        },
      ],
      1,
    );
  if (open.length === 0)
    throw wrongUse(
      "FEDERATION_REQUEST_UNKNOWN",
      `no site ${name} asks to join`,
      "See who does: panopticon site list",
    );
  const ref = (request: string) => ({ resource: SITE_REQUESTS, name: request });
  return Promise.all(names.map((request) => kube.patch(ref(request), { spec: { decision } })));
}
