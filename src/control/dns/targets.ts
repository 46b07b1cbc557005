/** What is probed: each line of each site, and each service at each line of the sites that run it. */
import type { Target } from "./prober.ts";
import type { Place } from "./steering.ts";

/** One host name of something that runs at sites. */
export interface Service {
  readonly host: string;
  /** Names of sites; all of them where not given. */
  readonly sites?: readonly string[];
}

/** A site's own view of itself is from inside: its router may not lead it back to its own address. */
export interface OwnSite {
  readonly site: string;
  readonly ingress: string;
}

/** Every site as a whole. @param domains `siteN.<domain>`, by site */
export function siteTargets(
  places: readonly Place[],
  domains: Readonly<Record<string, string>>,
  own: OwnSite | undefined,
): readonly Target[] {
  return lines(places, own).map(({ label, at, site, addresses }) => ({
    key: label,
    at,
    name: `health.${domains[site] ?? site}`,
    addresses,
  }));
}

/** Every service at the sites that should have it. */
export function serviceTargets(
  places: readonly Place[],
  services: readonly Service[],
  own: OwnSite | undefined,
): readonly Target[] {
  return services.flatMap(({ host, sites }) =>
    lines(
      places.filter(({ site }) => !sites || sites.includes(site)),
      own,
    ).map(({ label, at, addresses }) => ({
      key: `${host} at ${label}`,
      at,
      name: host,
      service: host,
      addresses,
    })),
  );
}

interface Line {
  readonly label: string;
  readonly at: string;
  readonly site: string;
  readonly addresses: readonly string[];
}

function lines(places: readonly Place[], own: OwnSite | undefined): readonly Line[] {
  const others = places.filter(({ site }) => site !== own?.site);
  const ours = places.filter(({ site }) => site === own?.site).map(({ address }) => address);
  return [
    ...(own && ours.length > 0
      ? [{ label: `${own.site} inside`, at: own.ingress, site: own.site, addresses: ours }]
      : []),
    ...others.map(({ site, address }) => ({
      label: `${site} ${address}`,
      at: address,
      site,
      addresses: [address],
    })),
  ];
}
