/** Who may join: a person's word first, then the token's, then the rules. */
import type { AdmissionRule } from "../api/config.ts";
import type { CrownSpec } from "../api/crown.ts";
import type { SiteRequestSpec, SiteRequestStatus } from "../api/site-request.ts";
import { matches } from "../place/placement.ts";
import type { TokenRules } from "./token.ts";

export type Admission = Pick<SiteRequestStatus, "phase" | "message">;

/**
 * @param token undefined where it is unknown: then only a person's word admits
 * @param rules a token whose labels one of them selects is admitted without asking
 */
export function admission(
  request: SiteRequestSpec,
  token: TokenRules | undefined,
  { holder, sites, departed = [] }: CrownSpec,
  rules: readonly AdmissionRule[],
): Admission {
  const { site, kind, decision } = request;
  const known = sites.find(({ name }) => name === site);
  if (decision === "Refuse") return refused("it was refused by hand");
  if (site === holder) return refused(`${site} is the hub itself`);
  if (known && known.kind !== kind) return refused(`${site} is known as a site of kind ${known.kind}`);
  if (decision === "Admit") return { phase: "Admitted", message: "it was admitted by hand" };
  if (!token) return { phase: "Pending", message: "its token is not known any more; nobody has admitted it" };
  if (token.site !== undefined && token.site !== site)
    return refused(`its token is for the site ${token.site}`);
  if (token.kind !== undefined && token.kind !== kind)
    return refused(`its token is for a site of kind ${token.kind}`);
  if (token.site === site) return { phase: "Admitted", message: "its token was made for it" };
  if (departed.some(({ name }) => name === site))
    return refused(`${site} was removed: to bring it back, make a token with --site ${site}`);
  if (known) return refused(`there is a site ${site}: to bring it back, make a token with --site ${site}`);
  if (rules.some((rule) => admits(rule, token, kind)))
    return { phase: "Admitted", message: "the labels of its token match a rule" };
  return { phase: "Pending", message: `it waits for: panopticon site admit ${site}` };
}

function admits(rule: AdmissionRule, token: TokenRules, kind: SiteRequestSpec["kind"]): boolean {
  return (rule.kind === undefined || rule.kind === kind) && matches(rule.selector, token.labels) === true;
}

function refused(message: string): Admission {
  return { phase: "Refused", message };
}
