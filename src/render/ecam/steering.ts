/** What a site's steering is told: who votes, what is probed, which name servers are changed. The witness is told less. */
import type { Witness } from "#model/federation.ts";
import { machinesOf, type Plan, type SitePlan } from "#plan/plan.ts";
import { ingressAddress } from "../router/forwards.ts";
import { NAMES_PORT, tsigName } from "./knot.ts";
import { HOSTS_FILE } from "./watchdog.ts";
import { namedSites } from "./zone.ts";

export const STEERING_FOLDER = "/etc/panopticon/steering";

export interface SteeringConfig {
  /** A site, or the witness. */
  readonly self: string;
  readonly domain: string;
  readonly sites: readonly SteeringSite[];
  /** Where there is one. */
  readonly witness?: { readonly name: string; readonly address: string };
  /** Files, from the folder of this one. */
  readonly tls: { readonly authority: string; readonly certificate: string; readonly key: string };
  /** Missing at the witness, which changes no name. */
  readonly own?: OwnNames;
  readonly listen?: { readonly address?: string; readonly port: number };
  readonly probe: Pick<ProbeConfig, "authority" | "publicAuthorities"> & Partial<ProbeConfig>;
  /** A file: what runs at which sites; read again when it changes. Missing or not there: nothing is known of services. */
  readonly services?: string;
  /** A file that says each second what is seen and why. */
  readonly status: string;
}

export interface SteeringSite {
  readonly name: string;
  readonly domain: string;
  readonly external: readonly string[];
}

export interface OwnNames {
  /** While this address is this machine's, it decides and changes names. */
  readonly activeAddress: string;
  /** Where the site's own traffic is seen inside. */
  readonly ingress: string;
  readonly servers: readonly { readonly name: string; readonly address: string; readonly port: number }[];
  readonly tsig: { readonly name: string /** A file: base64. */; readonly secretFile: string };
  /** A file: the host names that the site itself has, which others are told of; kept up by the watchdog. */
  readonly hosts?: string;
}

export interface ProbeConfig {
  readonly port: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** A file: PEM of who signs the sites' certificates. */
  readonly authority: string;
  /** Sites may show certificates of public authorities, too; services always may. */
  readonly publicAuthorities: boolean;
}

const TLS = { authority: "authority.crt", certificate: "voter.crt", key: "voter.key" } as const;
/** In `STEERING_FOLDER`; brought by `converge`. */
export const STEERING_SECRETS = { ...TLS, tsig: "tsig.key" } as const;
/** Beside them, and no secret: who signs the certificates that sites show. */
export const SITES_AUTHORITY = "sites.crt";
const STATUS = "/run/panopticon/steering.json";

/** What the steering on each ECAM of a site reads. */
export function siteSteering(plan: Plan, site: SitePlan): SteeringConfig {
  return {
    self: site.name,
    ...common(plan),
    own: {
      activeAddress: site.network.namesVip,
      ingress: ingressAddress(site),
      servers: machinesOf(site, "ecam").map(({ name, address }) => ({ name, address, port: NAMES_PORT })),
      tsig: { name: tsigName(site), secretFile: STEERING_SECRETS.tsig },
      hosts: HOSTS_FILE,
    },
    services: "services.json",
  };
}

function common(plan: Plan): Omit<SteeringConfig, "self" | "own" | "services"> {
  return {
    domain: plan.domain,
    ...(plan.witness && { witness: plan.witness }),
    sites: namedSites(plan).map(({ name, domain, network }) => ({
      name,
      domain,
      external: network.external,
    })),
    tls: TLS,
    probe: { authority: SITES_AUTHORITY, publicAuthorities: plan.acme !== undefined },
    status: STATUS,
  };
}

/** What the witness reads: it looks and votes, and changes nothing. */
export function witnessSteering(plan: Plan, witness: Witness): SteeringConfig {
  return { self: witness.name, ...common(plan) };
}
