/**
 * The federation's zone, as every name server begins with it: all sites in
 * every answer. What a site's steering finds is changed in the running servers
 * and kept in their journals; this file is written again only when the plan is
 * another one.
 */
import { sha256 } from "#base/hash.ts";
import { machinesOf, type Plan, type SitePlan } from "#plan/plan.ts";
import type { Soa, ZoneRecord } from "../formats/zone.ts";

/** Of what steering changes, seconds; and by this it knows what is its own. */
export const STEERED_TTL = 5;
/** Of a site's own names, which change with the plan alone. */
const SITE_TTL = 300;
/** Resolvers keep the list of name servers for a day and ask the next where one is silent. */
const SERVER_TTL = 86_400;

/** Sites that have name servers and can be reached from outside. */
export function namedSites({ sites }: Plan): readonly SitePlan[] {
  return sites.filter((site) => site.network.external.length > 0 && machinesOf(site, "ecam").length > 0);
}

/** The site's name servers, as its parent zone and the others know them. */
function serverName(site: SitePlan): string {
  return `ns.${site.domain}`;
}

/** The zone, the site's own name server first; two plans with the same records have the same serial number. */
export function zoneRecords(plan: Plan, site: SitePlan): readonly ZoneRecord[] {
  const { domain } = plan;
  const sites = namedSites(plan);
  const all = sites.flatMap(({ network }) => network.external);
  const records: readonly ZoneRecord[] = [
    ...sites.map((one) => ({
      name: domain,
      ttl: SERVER_TTL,
      data: { type: "NS" as const, server: serverName(one) },
    })),
    ...sites.flatMap((one) => addresses(serverName(one), SERVER_TTL, one.network.external)),
    ...addresses(domain, STEERED_TTL, all),
    ...addresses(`*.${domain}`, STEERED_TTL, all),
    ...sites.flatMap((one) => siteRecords(one)),
  ];
  return [
    { name: domain, ttl: SERVER_TTL, data: { type: "SOA", soa: soa(plan, site, records) } },
    ...records,
  ];
}

/** A wildcard does not reach below a name that exists, so a site has its own. */
function siteRecords({ domain, endpoint, network }: SitePlan): readonly ZoneRecord[] {
  return [domain, `*.${domain}`, endpoint.name].flatMap((name) =>
    addresses(name, SITE_TTL, network.external),
  );
}

function addresses(name: string, ttl: number, values: readonly string[]): readonly ZoneRecord[] {
  return values.map((address) => ({ name, ttl, data: { type: "A", address } }));
}

/**
 * No server copies the zone from another one, so the serial number need not
 * grow. It must change with the file: a journal that continues another number
 * is thrown away, which is what keeps changes of an older plan out, and
 * signatures of a time when the zone was signed.
 */
function soa({ domain, dnssec }: Plan, site: SitePlan, records: readonly ZoneRecord[]): Soa {
  const text = JSON.stringify(dnssec ? [...records, "signed"] : records);
  const serial = 1 + (Number.parseInt(sha256(text).slice(0, 8), 16) % 0x7fff_ffff);
  const server = serverName(site);
  const mailbox = `hostmaster.${domain}`;
  return { server, mailbox, serial, refresh: 3600, retry: 600, expire: 604_800, negative: STEERED_TTL };
}
