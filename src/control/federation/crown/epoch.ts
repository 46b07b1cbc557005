/**
 * Epochs order crownings. An epoch is a round times a thousand plus the seat of
 * the site that was crowned, so no two sites can ever be crowned in the same
 * epoch, not even by two people who force it on both sides of a cut line.
 */
import { wrongUse } from "#base/errors.ts";
import { type Crowning, type CrownSite, type CrownSpec, type Inheritance, SEATS } from "../api/crown.ts";
import { compareRevisions, type Version } from "../version.ts";

export function roundOf(epoch: number): number {
  return Math.floor(epoch / SEATS);
}

/** The epoch in which a site is crowned next, above every epoch it knows of. */
export function nextEpoch(known: number, seat: number): number {
  return (roundOf(known) + 1) * SEATS + seat;
}

/** The fencing rule: what comes from an older crowning than the one we know of is refused. */
export function accepts(known: Pick<CrownSpec, "epoch">, incoming: Pick<CrownSpec, "epoch">): boolean {
  return incoming.epoch >= known.epoch;
}

/** The newest of the crowns that a site has heard of, its own first: whom it follows. */
export function newest(own: CrownSpec, heard: readonly CrownSpec[]): CrownSpec {
  return heard.reduce((best, crown) => (crown.epoch > best.epoch ? crown : best), own);
}

/** Where a site asks for the newest crown: the holder first, then whoever else may know, itself never. */
export function sitesToAsk(crown: CrownSpec, self: string): readonly CrownSite[] {
  const rank = (site: CrownSite) => (site.name === crown.holder ? 0 : site.kind === "on-prem" ? 1 : 2);
  return crown.sites.filter(({ name }) => name !== self).toSorted((left, right) => rank(left) - rank(right));
}

/** The crown after a crowning in this epoch, which must be one of the holder's and above the one before. */
export function crowned(
  crown: CrownSpec,
  holder: string,
  epoch: number,
  crowning: Pick<Crowning, "at" | "how" | "after">,
): CrownSpec {
  const { seat } = eligible(crown, holder);
  if (epoch <= crown.epoch || epoch % SEATS !== seat)
    throw new Error(`epoch ${epoch} is not one in which ${holder} can follow ${crown.epoch}`);
  const { frozen: _frozen, ...rest } = crown;
  return { ...rest, epoch, holder, history: [...crown.history, { ...crowning, epoch, holder }].slice(-200) };
}

/** The site, if it can hold the crown; FEDERATION_CROWN_UNKNOWN_SITE or FEDERATION_CROWN_NOT_ELIGIBLE (exit 2). */
export function eligible(crown: CrownSpec, name: string): CrownSite {
  const site = crown.sites.find((one) => one.name === name);
  const able = crown.sites.filter(({ seat, leaving }) => seat > 0 && !leaving).map((one) => one.name);
  if (!site)
    throw wrongUse(
      "FEDERATION_CROWN_UNKNOWN_SITE",
      `the federation has no site "${name}"`,
      `Sites that can hold the crown: ${able.join(", ")}.`,
    );
  if (site.kind === "cloud" || site.seat === 0)
    throw wrongUse(
      "FEDERATION_CROWN_NOT_ELIGIBLE",
      `site "${name}" can't hold the crown: it is in an external cloud and has only what is placed on it`,
      `Sites that can: ${able.join(", ")}.`,
    );
  if (site.leaving)
    throw wrongUse(
      "FEDERATION_CROWN_NOT_ELIGIBLE",
      `site "${name}" can't hold the crown: it is leaving the federation`,
      `Sites that can: ${able.join(", ")}.`,
    );
  return site;
}

/**
 * Whether what was written at this version is in the hub that this history
 * led to: it is when every crowning after it started from there or later; one
 * that was forced may have started from before it, whoever was crowned between.
 * @param type `plural.group`
 */
export function isInherited(history: readonly Crowning[], version: Version, type: string): boolean {
  const own = history.some(({ epoch }) => epoch === version.epoch);
  const later = history.filter(({ epoch }) => epoch > version.epoch);
  if (later.length === 0) return own;
  return later.every(({ after }) => {
    if (!after) return false;
    if (after.epoch !== version.epoch) return after.epoch > version.epoch && own;
    const reached = after.resourceVersions[type];
    return reached !== undefined && compareRevisions(version.resourceVersion, reached) <= 0;
  });
}

/** Whether one has everything that the other has, and more. */
export function isAhead(left: Inheritance, right: Inheritance): boolean {
  if (left.epoch !== right.epoch) return left.epoch > right.epoch;
  const types = [...new Set([...Object.keys(left.resourceVersions), ...Object.keys(right.resourceVersions)])];
  const differences = types.map((type) =>
    compareRevisions(left.resourceVersions[type] ?? "0", right.resourceVersions[type] ?? "0"),
  );
  return differences.some((one) => one > 0) && !differences.some((one) => one < 0);
}
