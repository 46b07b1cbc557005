/** Which services run where, by what each site says of itself. */
import type { Report } from "./report.ts";
import type { Service } from "./targets.ts";

/** So many host names a site may tell of: each is probed by every voter. */
export const MOST_HOSTS = 1000;

/**
 * Every host that a site has, with the sites that have it. A site that has said
 * nothing yet may have all of them: to leave it out would take it from answers
 * that are given, while probes withdraw it where it does not answer.
 */
export function hostedServices(
  sites: readonly string[],
  hosts: ReadonlyMap<string, readonly string[]>,
): readonly Service[] {
  const bySite = new Map([...hosts].map(([site, names]) => [site, new Set(names)]));
  const all = new Set(sites.flatMap((site) => hosts.get(site) ?? []));
  return [...all].toSorted().map((host) => {
    const having = sites.filter((site) => bySite.get(site)?.has(host) ?? true);
    return having.length === sites.length ? { host } : { host, sites: having };
  });
}

/** Whether a name can be a service's: below the domain, and neither a site's nor one that every site has of its own. */
export function isServiceHost(host: string, domain: string, siteDomains: readonly string[]): boolean {
  const below = (name: string): boolean => host === name || host.endsWith(`.${name}`);
  const own = ["control", "health"].some((label) => host === `${label}.${domain}`);
  return below(domain) && host !== domain && !own && !siteDomains.some((name) => below(name));
}

/** What one voter knows of all sites; what a site has said last is kept while it is silent. */
export class Hosts {
  private readonly sites: readonly string[];
  private readonly isService: (host: string) => boolean;
  private readonly known = new Map<string, readonly string[]>();

  constructor(sites: Iterable<string>, isService: (host: string) => boolean) {
    this.sites = [...new Set(sites)];
    this.isService = isService;
  }

  of(site: string): readonly string[] | undefined {
    return this.known.get(site);
  }

  /** Whether it is new; undefined where nobody knows. No more than `MOST_HOSTS` are kept. */
  set(site: string, hosts: readonly string[] | undefined): boolean {
    if (!this.sites.includes(site)) return false;
    const kept = hosts?.filter((host) => this.isService(host)).slice(0, MOST_HOSTS);
    if (JSON.stringify(kept) === JSON.stringify(this.known.get(site))) return false;
    if (kept) this.known.set(site, kept);
    else this.known.delete(site);
    return true;
  }

  /** What the others say; whether any of it is new. */
  learn(self: string, reports: readonly Report[]): boolean {
    const others = reports.filter(({ voter, hosts }) => voter !== self && hosts);
    return others.map(({ voter, hosts }) => this.set(voter, hosts)).includes(true);
  }

  /** With those that a person has listed, which count more. */
  services(listed: readonly Service[]): readonly Service[] {
    const taken = new Set(listed.map(({ host }) => host));
    return [...listed, ...hostedServices(this.sites, this.known).filter(({ host }) => !taken.has(host))];
  }
}
