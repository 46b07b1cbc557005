/** What sites' reports say at present, found by the resource that it is about. */
import type { ClusterStatus, FederatedResource } from "../api/federated.ts";
import type { SiteReportSpec, Told } from "../api/site-report.ts";

/** A resource, by its type and its key in a cache. */
export interface About {
  readonly group: string;
  readonly key: string;
}

export interface ToldIndex {
  /** A site's report as it is now, undefined where it is gone; gives the resources of which it says something else than before. */
  take(site: string, spec: SiteReportSpec | undefined): readonly About[];
  /** What the sites say of one resource, by site. */
  of(about: About): ReadonlyMap<string, Told>;
}

const NOTHING: ReadonlyMap<string, Told> = new Map();

/** @param epoch of the crowning; what was told to another hub says nothing here */
export function openTold(epoch: number): ToldIndex {
  const told = new Map<string, Map<string, Told>>();
  const bySite = new Map<string, ReadonlyMap<string, Told>>();
  const drop = (id: string, site: string): void => {
    const sites = told.get(id);
    if (sites?.delete(site) && sites.size === 0) told.delete(id);
  };
  return {
    take(site, spec) {
      const before = bySite.get(site) ?? NOTHING;
      const entries = spec?.epoch === epoch ? spec.entries : [];
      const now = new Map(entries.map((one) => [idOf(aboutOf(one)), one]));
      bySite.set(site, now);
      for (const id of before.keys()) if (!now.has(id)) drop(id, site);
      const changed: About[] = [];
      for (const [id, one] of now) {
        const known = before.get(id);
        if (known && JSON.stringify(known) === JSON.stringify(one)) continue;
        const sites = told.get(id) ?? new Map<string, Told>();
        told.set(id, sites.set(site, one));
        changed.push(aboutOf(one));
      }
      return changed;
    },
    of: (about) => told.get(idOf(about)) ?? NOTHING,
  };
}

function idOf({ group, key }: About): string {
  return `${group} ${key}`;
}

function aboutOf({ type, namespace, name }: Told): About {
  return { group: type, key: namespace === "" ? name : `${namespace}/${name}` };
}

/** A site's entry by what it has told; undefined where that is that it has nothing. */
export function entryTold(site: string, told: Told): ClusterStatus | undefined {
  const { type: _type, namespace: _space, name: _name, uid: _uid, gone, ...said } = told;
  return gone ? undefined : { name: site, ...said };
}

/** Whether it is about this very resource. */
export function isAbout({ uid, observedGeneration }: Told, { metadata }: FederatedResource): boolean {
  return uid === metadata?.uid && observedGeneration <= (metadata.generation ?? 0);
}

/**
 * The entries of a status with what sites say now; the very same list where that is nothing new.
 * @param said undefined of a site whose entry goes
 * @param isSame of two entries of one site
 */
export function mergedEntries(
  before: readonly ClusterStatus[],
  said: ReadonlyMap<string, ClusterStatus | undefined>,
  isSame: (one: ClusterStatus | undefined, other: ClusterStatus | undefined) => boolean,
): readonly ClusterStatus[] {
  const known = new Map(before.map((entry) => [entry.name, entry]));
  const changed = [...said].filter(([site, entry]) => !isSame(known.get(site), entry));
  if (changed.length === 0) return before;
  for (const [site, entry] of changed) {
    if (entry) known.set(site, entry);
    else known.delete(site);
  }
  return [...known.values()];
}
