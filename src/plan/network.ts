import {
  type Cidr,
  formatCidr,
  overlaps,
  parseAddress,
  parseCidr,
  type Range,
  sizeOf,
  subnet,
  toCidr,
} from "#base/ipv4.ts";
import { PanopticonError, type Problem } from "#base/errors.ts";
import type { FederationFile } from "#model/federation.ts";
import type { Plan } from "./plan.ts";
import { problemAt } from "./problem.ts";

/** The networks of a site that no LAN and no other site may overlap. */
export interface ClusterNetworks {
  readonly pods: Cidr;
  readonly services: Cidr;
}

type Kind = keyof ClusterNetworks;

const NOUN: Readonly<Record<Kind, string>> = { pods: "pod network", services: "service network" };

/** Where pod and service networks are cut from, site 1's first. */
const SPACES: Readonly<Record<Kind, { readonly prefix: number; readonly spaces: readonly string[] }>> = {
  pods: {
    prefix: 16,
    spaces: ["10.128.0.0/9", "10.112.0.0/12", "10.0.0.0/10", "10.64.0.0/11", "100.64.0.0/10"],
  },
  services: { prefix: 20, spaces: ["10.96.0.0/12", "172.16.0.0/12"] },
};

/** A network in use and whose it is, for the error that names it. */
interface Claim {
  readonly range: Cidr | Range;
  readonly owner: string;
}

/**
 * Gives each site a pod network (/16) and a service network (/20): the file's,
 * else the one it has, else by its number. None overlaps a LAN, a resolver, an
 * external address or another site's.
 */
export function allotNetworks(
  file: FederationFile,
  numbers: ReadonlyMap<string, number>,
  previous: Plan | undefined,
): ReadonlyMap<string, ClusterNetworks> {
  const claims = outsideClaims(file);
  const given = new Map<string, Cidr>();
  const problems: Problem[] = [];
  const claim = (site: string, index: number, kind: Kind, cidr: Cidr) => {
    const clash = claims.find(({ range }) => overlaps(range, cidr));
    if (clash) problems.push(overlapProblem(file, index, kind, cidr, clash.owner));
    claims.push({ range: cidr, owner: `the ${NOUN[kind]} of site ${site}` });
    given.set(`${site}/${kind}`, cidr);
  };
  eachKind(file, (site, index, kind) => {
    const fixed = site.network[kind];
    if (fixed !== undefined) claim(site.name, index, kind, toCidr(fixed));
  });
  eachKind(file, (site, index, kind) => {
    const before = previous?.sites.find(({ name }) => name === site.name)?.network[kind];
    if (before !== undefined && !given.has(`${site.name}/${kind}`))
      claim(site.name, index, kind, toCidr(before));
  });
  eachKind(file, (site, index, kind) => {
    if (given.has(`${site.name}/${kind}`)) return;
    const free = firstFree(kind, numbers.get(site.name) ?? 1, claims);
    if (free) claim(site.name, index, kind, free);
    else problems.push(exhaustedProblem(file, index, kind));
  });
  if (problems.length > 0) throw new PanopticonError(problems, 1);
  return new Map(
    file.federation.sites.map(({ name }) => [
      name,
      { pods: given.get(`${name}/pods`) as Cidr, services: given.get(`${name}/services`) as Cidr },
    ]),
  );
}

function eachKind(
  file: FederationFile,
  visit: (site: FederationFile["federation"]["sites"][number], index: number, kind: Kind) => void,
): void {
  for (const [index, site] of file.federation.sites.entries()) {
    visit(site, index, "pods");
    visit(site, index, "services");
  }
}

/** LANs and addresses that are not ours to give. */
function outsideClaims({ federation }: FederationFile): Claim[] {
  return federation.sites.flatMap(({ name, network }) => {
    const lan = parseCidr(network.lan);
    const addresses = [...network.external, ...network.resolvers].flatMap((text) => {
      const address = parseAddress(text);
      return address === undefined
        ? []
        : { range: { first: address, last: address }, owner: `${text} of site ${name}` };
    });
    return [...(lan ? [{ range: lan, owner: `the LAN of site ${name}` }] : []), ...addresses];
  });
}

/** The network of the site's number; where that is taken, the last free one, so that few others must give way. */
function firstFree(kind: Kind, number: number, claims: readonly Claim[]): Cidr | undefined {
  const parts = PARTS[kind];
  const isFree = (cidr: Cidr) => !claims.some(({ range }) => overlaps(range, cidr));
  const preferred = parts[number - 1];
  return preferred && isFree(preferred) ? preferred : parts.findLast(isFree);
}

function partsOf(kind: Kind): readonly Cidr[] {
  const { prefix, spaces } = SPACES[kind];
  return spaces.flatMap((text) => {
    const space = toCidr(text);
    const count = sizeOf(space) / 2 ** (32 - prefix);
    return Array.from({ length: count }, (_, index) => subnet(space, prefix, index)).filter(
      (part) => part !== undefined,
    );
  });
}

const PARTS: Readonly<Record<Kind, readonly Cidr[]>> = {
  pods: partsOf("pods"),
  services: partsOf("services"),
};

function overlapProblem(file: FederationFile, index: number, kind: Kind, cidr: Cidr, owner: string): Problem {
  const site = file.federation.sites[index]?.name ?? "";
  return problemAt(
    file,
    `sites[${index}].network.${kind}`,
    "PLAN_NETWORK_OVERLAP",
    `the ${NOUN[kind]} ${formatCidr(cidr)} of site ${site} overlaps ${owner}`,
    `choose another LAN, or set sites[${index}].network.${kind} to a network that is free`,
  );
}

function exhaustedProblem(file: FederationFile, index: number, kind: Kind): Problem {
  const { prefix, spaces } = SPACES[kind];
  const site = file.federation.sites[index]?.name ?? "";
  return problemAt(
    file,
    `sites[${index}].network.${kind}`,
    "PLAN_NETWORKS_EXHAUSTED",
    `no /${prefix} is left in ${spaces.join(", ")} for the ${NOUN[kind]} of site ${site}`,
    `set sites[${index}].network.${kind} to a network that is free`,
  );
}
