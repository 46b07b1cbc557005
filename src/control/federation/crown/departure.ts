/** How a site leaves the federation for good, as the crown says it. */
import { PanopticonError, wrongUse } from "#base/errors.ts";
import type { CrownSpec, Farewell } from "../api/crown.ts";

/** What a site that leaves, or that was removed while it was away, does with its copies; undefined where it stays. */
export function farewellOf(crown: CrownSpec, site: string): Farewell | undefined {
  const member = crown.sites.find(({ name }) => name === site);
  if (member) return member.leaving;
  return crown.departed?.find(({ name }) => name === site)?.farewell;
}

/** Whether the federation has sent the site away and not let it in again. */
export function wasRemoved({ sites, departed }: CrownSpec, site: string): boolean {
  return !sites.some(({ name }) => name === site) && (departed ?? []).some(({ name }) => name === site);
}

/** The crown with the word that a site is to leave; FEDERATION_SITE_… (exit 1 or 2) where it can't. */
export function withLeaving(crown: CrownSpec, site: string, leaving: Farewell): CrownSpec {
  removable(crown, site);
  const sites = crown.sites.map((one) => (one.name === site ? { ...one, leaving } : one));
  return { ...crown, sites };
}

/** The crown without the site, whose seat nobody gets again. */
export function withoutSite(crown: CrownSpec, site: string, farewell: Farewell, at: string): CrownSpec {
  const { seat } = removable(crown, site);
  const others = (crown.departed ?? []).filter(({ name }) => name !== site);
  return {
    ...crown,
    sites: crown.sites.filter(({ name }) => name !== site),
    departed: [...others, { name: site, farewell, at }],
    lastSeat: Math.max(crown.lastSeat ?? 0, seat),
  };
}

/** The crown that lets a removed site join again, with another seat. */
export function readmitted(crown: CrownSpec, site: string): CrownSpec {
  if (!wasRemoved(crown, site))
    throw wrongUse(
      "FEDERATION_SITE_UNKNOWN",
      `no site "${site}" was removed from the federation`,
      `Removed were: ${(crown.departed ?? []).map(({ name }) => name).join(", ") || "none"}.`,
    );
  return { ...crown, departed: (crown.departed ?? []).filter(({ name }) => name !== site) };
}

function removable(crown: CrownSpec, name: string): CrownSpec["sites"][number] {
  const site = crown.sites.find((one) => one.name === name);
  const names = crown.sites.map((one) => one.name).join(", ");
  if (!site)
    throw wrongUse(
      "FEDERATION_SITE_UNKNOWN",
      `the federation has no site "${name}"`,
      `Its sites are ${names}.`,
    );
  if (crown.holder === name)
    throw refused(
      "FEDERATION_SITE_CROWNED",
      `site ${name} holds the crown and can't be removed`,
      "Move the crown first: panopticon crown move --to SITE",
    );
  if (crown.frozen)
    throw refused(
      "FEDERATION_CROWN_MOVING",
      `the crown is being moved to ${crown.frozen.to}`,
      "Try again when it is there: panopticon crown show",
    );
  return site;
}

function refused(code: string, message: string, hint: string): PanopticonError {
  return new PanopticonError([{ code, message, hint }], 1);
}
