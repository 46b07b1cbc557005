/** What the registrar of a signed domain is given. */
import { wrongUse } from "#base/errors.ts";
import { keyFolders } from "#converge/keyring.ts";
import { type DelegationSigner, presentDelegationSigner } from "#converge/pki/zone-key.ts";
import type { Plan } from "#plan/plan.ts";
import { stateDir } from "../folders.ts";

export interface Delegation extends DelegationSigner {
  readonly domain: string;
}

/** Errors: NAMES_UNSIGNED where the domain isn't signed, PKI_UNREADABLE where its key is none. */
export async function delegationOf(plan: Plan): Promise<Delegation> {
  const { domain, dnssec } = plan;
  const signer =
    dnssec && (await presentDelegationSigner(keyFolders(stateDir(plan.federation)).names, domain));
  if (signer) return { domain, ...signer };
  const hint = "Write `dnssec: true` into the file and bring the sites up with it: `panopticon lab up FILE`.";
  throw wrongUse("NAMES_UNSIGNED", `${domain} is not signed`, hint);
}
