import type { Federation } from "#model/federation.ts";
import type { Plan, RetiredSite, VrrpPlan } from "./plan.ts";

/** VRRP ids are 1 to 255, two for each site. */
const VRRP_PAIRS = 127;

export interface SiteNumbers {
  /** By site name. */
  readonly numbers: ReadonlyMap<string, number>;
  /** Numbers of sites that are no longer in the file. */
  readonly retired: readonly RetiredSite[];
}

/**
 * Gives each site its number: the one it has, the one it had before it was
 * removed, or the first above all numbers ever given.
 */
export function numberSites(federation: Federation, previous: Plan | undefined): SiteNumbers {
  const known = new Map(
    [...(previous?.retired ?? []), ...(previous?.sites ?? [])].map(({ name, number }) => [name, number]),
  );
  let next = Math.max(0, ...known.values()) + 1;
  const numbers = new Map(federation.sites.map(({ name }) => [name, known.get(name) ?? next++]));
  const retired = [...known]
    .filter(([name]) => !numbers.has(name))
    .map(([name, number]) => ({ name, number }))
    .sort((left, right) => left.number - right.number);
  return { numbers, retired };
}

/**
 * Two VRRP ids a site, unique in the federation. With more than 127 sites pairs
 * are used again: each site is a link layer of its own, where its two differ.
 */
export function allotVrrp(
  numbers: ReadonlyMap<string, number>,
  previous: Plan | undefined,
): ReadonlyMap<string, VrrpPlan> {
  const vrrp = new Map<string, VrrpPlan>();
  for (const { name, vrrp: kept } of previous?.sites ?? []) if (numbers.has(name)) vrrp.set(name, kept);
  const used = new Set([...vrrp.values()].flatMap(({ id, namesId }) => [id, namesId]));
  for (const [name, number] of numbers) {
    if (vrrp.has(name)) continue;
    const preferred = pair(number - 1);
    const candidates = [preferred, ...Array.from({ length: VRRP_PAIRS }, (_, index) => pair(index))];
    const chosen = candidates.find(({ id, namesId }) => !used.has(id) && !used.has(namesId)) ?? preferred;
    vrrp.set(name, chosen);
    used.add(chosen.id).add(chosen.namesId);
  }
  return vrrp;
}

function pair(index: number): VrrpPlan {
  const first = (index % VRRP_PAIRS) * 2 + 1;
  return { id: first, namesId: first + 1 };
}
