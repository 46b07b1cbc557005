/** At the hub: decides who may join, and gives whoever does its entries and its credential. */
import type { Context, Controller, Input } from "#control/runtime/controller.ts";
import type { KubeObject } from "#ports/kube.ts";
import type { KubeFedConfig } from "../api/config.ts";
import { CONFIG_NAME } from "../api/config.ts";
import { FEDERATION_GROUP, SYSTEM_NAMESPACE } from "../api/names.ts";
import type { SiteAccess } from "../api/site-access.ts";
import type { SiteRequest, SiteRequestStatus } from "../api/site-request.ts";
import { ACCOUNTS, CLUSTERS, CONFIGS, CROWNS, SITE_ACCESSES, SITE_REQUESTS } from "../agent/resources.ts";
import type { Term } from "../agent/term.ts";
import { grantAccess } from "./access.ts";
import { type Admission, admission } from "./admission.ts";
import { JOIN_NAMESPACE } from "./identity.ts";
import { currentCrown, enter } from "./register.ts";
import { readTokenRules, TOKEN_ANNOTATION, type TokenRules } from "./token.ts";

const GROUP = "requests";
const TOKENS = "tokens";
const MOVING = { afterSeconds: 1 };

export function requestController(term: Term): Controller {
  const { clock, site: hubSite } = term;
  const requests: Input<SiteRequest> = {
    cluster: "hub",
    resource: SITE_REQUESTS,
    work: ({ object }) => [{ group: GROUP, key: object.metadata?.name ?? "" }],
  };
  const all = (context: Context) => {
    for (const { metadata } of context.cache(requests).list())
      context.add({ group: GROUP, key: metadata?.name ?? "" });
  };
  const again = { group: "all", key: GROUP };
  const tokens: Input = {
    cluster: "hub",
    resource: ACCOUNTS,
    namespace: JOIN_NAMESPACE,
    work: ({ object }) => [{ group: TOKENS, key: object.metadata?.name ?? "" }, again],
  };
  const configs: Input<KubeFedConfig> = {
    cluster: "hub",
    resource: CONFIGS,
    namespace: SYSTEM_NAMESPACE,
    work: () => [again],
  };
  const accesses: Input<SiteAccess> = { cluster: "hub", resource: SITE_ACCESSES, work: () => [again] };

  return {
    name: "requests",
    inputs: [requests, tokens, configs, accesses],
    outputs: [
      {
        cluster: "hub",
        group: FEDERATION_GROUP,
        plural: SITE_REQUESTS.plural,
        part: "status, and their end",
      },
      { cluster: "hub", group: FEDERATION_GROUP, plural: CROWNS.plural, part: "spec.sites, of who joins" },
      {
        cluster: "hub",
        group: CLUSTERS.group,
        plural: CLUSTERS.plural,
        part: "spec and labels, of who joins",
      },
      { cluster: "hub", group: "", plural: ACCOUNTS.plural, part: "tokens and agents that join" },
    ],
    async reconcile({ group, key }, context, signal) {
      if (group === again.group) return all(context);
      if (group === TOKENS) return endToken(context, context.cache(tokens).get(inJoin(key)), clock.wall());
      const request = context.cache(requests).get(key);
      if (!request) return undefined;
      const account = context.cache(tokens).get(inJoin(request.spec.token));
      const rules = tokenRules(account);
      const hub = context.kube("hub");
      const ref = { resource: SITE_REQUESTS, name: key };
      const { site, publicKey, kind } = request.spec;
      const arrived =
        request.status?.sealed && context.cache(accesses).get(site)?.spec.publicKey === publicKey;
      // The site has what it needs, or can't come back for it: its token is its key to this very request.
      if (arrived || !account) {
        await hub.delete(ref, { signal });
        if (arrived && rules?.site === site) await removeToken(context, request.spec.token);
        return undefined;
      }
      const crown = await currentCrown(hub, signal);
      if (crown.spec.frozen) return MOVING;
      const config = context.cache(configs).get(`${SYSTEM_NAMESPACE}/${CONFIG_NAME}`);
      const verdict = admission(request.spec, rules, crown.spec, config?.spec.admission ?? []);
      if (isTold(request, verdict)) return undefined;
      const status: SiteRequestStatus = { ...verdict };
      if (verdict.phase !== "Admitted") {
        await hub.patch({ ...ref, subresource: "status" }, { status }, { signal });
        return undefined;
      }
      // Where the site is known, its agent writes this anew: that is how it says that it has arrived.
      await hub.delete({ resource: SITE_ACCESSES, name: site }, { signal });
      await enter(hub, crown, request.spec, rules?.labels ?? {}, signal);
      const { sealed } = await grantAccess(hub, { from: hubSite, to: site, kind }, publicKey);
      await hub.patch({ ...ref, subresource: "status" }, { status: { ...status, sealed } }, { signal });
      context.note(site, `joins: ${verdict.message}`);
      return undefined;
    },
  };
}

function inJoin(name: string): string {
  return `${JOIN_NAMESPACE}/${name}`;
}

function isTold({ status }: SiteRequest, { phase, message }: Admission): boolean {
  if (status?.phase === "Admitted") return status.sealed !== undefined;
  return status?.phase === phase && status.message === message;
}

function tokenRules(account: KubeObject | undefined): TokenRules | undefined {
  return readTokenRules(account?.metadata?.annotations?.[TOKEN_ANNOTATION]);
}

/** An expired token's account goes, and with it the requests that it made. */
async function endToken(context: Context, account: KubeObject | undefined, now: Date) {
  const rules = tokenRules(account);
  if (!rules) return undefined;
  const left = (Date.parse(rules.expiresAt) - now.getTime()) / 1000;
  if (left > 0) return { afterSeconds: left + 1 };
  await removeToken(context, account?.metadata?.name ?? "");
  return undefined;
}

async function removeToken(context: Context, name: string): Promise<void> {
  await context.kube("hub").delete({ resource: ACCOUNTS, namespace: JOIN_NAMESPACE, name });
}
