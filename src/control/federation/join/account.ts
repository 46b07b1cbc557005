/** Credentials of other sites' agents at this API: a service account each, and tokens of it. */
import type { Kube, KubeObject, ObjectRef, Resource } from "#ports/kube.ts";
import type { CrownSite } from "../api/crown.ts";
import { SITE_LABEL, SYSTEM_NAMESPACE } from "../api/names.ts";
import { applyRole } from "../agent/install.ts";
import { ACCOUNTS } from "../agent/resources.ts";
import { agentAccount } from "./identity.ts";
import { accountBindings } from "./roles.ts";

export interface IssuedToken {
  readonly token: string;
  /** By the API's clock, as `expiresAt` is. */
  readonly issuedAt: string;
  readonly expiresAt: string;
}

interface TokenRequest extends KubeObject {
  readonly spec: { readonly audiences: readonly string[]; readonly expirationSeconds: number };
  readonly status?: { readonly token: string; readonly expirationTimestamp: string };
}

const AUTHENTICATION = "authentication.k8s.io/v1";

/** The account by which this API knows the agent of `site`, with the rights of such an agent. */
export async function ensureAgentAccount(kube: Kube, site: string, kind: CrownSite["kind"]): Promise<void> {
  const name = agentAccount(site);
  const head = { apiVersion: "v1", kind: "ServiceAccount", automountServiceAccountToken: false };
  const metadata = { name, namespace: SYSTEM_NAMESPACE, labels: { [SITE_LABEL]: site } };
  await kube.apply(
    { resource: ACCOUNTS, namespace: SYSTEM_NAMESPACE, name },
    { ...head, metadata },
    { fieldManager: "panopticon-join" },
  );
  for (const binding of accountBindings(site, kind)) await applyRole(kube, binding);
}

/** A token of a service account (TokenRequest); the API may give a shorter one than was asked for. */
export async function issueToken(
  kube: Kube,
  account: { readonly namespace: string; readonly name: string },
  seconds: number,
): Promise<IssuedToken> {
  const { group, version, plural } = ACCOUNTS;
  const resource: Resource<TokenRequest> = { group, version, plural };
  const ref: ObjectRef<TokenRequest> = { resource, ...account, subresource: "token" };
  const { status, metadata } = await kube.create(ref, {
    apiVersion: AUTHENTICATION,
    kind: "TokenRequest",
    spec: { audiences: [], expirationSeconds: seconds },
  });
  if (!status) throw new Error(`the API gave no token of ${account.namespace}/${account.name}`);
  const { token, expirationTimestamp: expiresAt } = status;
  return { token, issuedAt: metadata?.creationTimestamp ?? new Date().toISOString(), expiresAt };
}
