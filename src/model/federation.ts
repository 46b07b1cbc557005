/**
 * The file, once read and checked: a person's federation in our words. Text
 * such as `64GiB` is a number here and every default is filled in, so that no
 * later room asks whether a key was given.
 */
import type { Position } from "#base/errors.ts";

/** The machine roles; a site's servers carry these as guests. */
export type Role = "ecam" | "controlplane" | "worker";

/** `on-prem` sites are built on servers; the others are rented. */
export type SiteKind = "on-prem" | "aws" | "digitalocean";

export interface Federation {
  readonly name: string;
  /** DNS zone the federation is authoritative for, such as `home.example`. */
  readonly domain: string;
  /** Name of the on-prem site that holds the hub. */
  readonly crown: string;
  /** Such as `v1.36.3`. */
  readonly kubernetes: string;
  readonly goals: readonly Goal[];
  readonly sites: readonly Site[];
}

/** What must hold; checked by the failure proof. */
export type Goal =
  | { readonly kind: "survive"; readonly what: "any machine" | "any server" | "any site" }
  | { readonly kind: "availability" /** 0 to 1 */; readonly target: number };

export interface Site {
  readonly name: string;
  readonly kind: SiteKind;
  /** Cloud region; only for rented sites. */
  readonly region?: string;
  readonly network: SiteNetwork;
  /** 1, 3 or 5. */
  readonly controlplanes: number;
  /** Guests per role: what each one gets. Worker sizes are a floor: workers take the rest of a server. */
  readonly sizes: Readonly<Record<Role, Size>>;
  /** Empty for rented sites. */
  readonly servers: readonly Server[];
}

export interface SiteNetwork {
  /** CIDR of the LAN, such as `10.11.0.0/24`. */
  readonly lan: string;
  readonly gateway: string;
  /** Public addresses of the site's router; at least one in an on-prem site. */
  readonly external: readonly string[];
  /** Inclusive ranges the plan must not touch (a router's DHCP pool, printers). */
  readonly reserved: readonly AddressRange[];
  /** Where the person wants a fixed one; else the plan chooses. */
  readonly vip?: string;
  /** Inclusive range for load-balancer addresses, where the person wants a fixed one. */
  readonly ingress?: AddressRange;
  /** CIDRs, where the person wants fixed ones. */
  readonly pods?: string;
  readonly services?: string;
  /** Name servers machines ask for outside names; the gateway where none is given. */
  readonly resolvers: readonly string[];
}

export interface AddressRange {
  readonly first: string;
  readonly last: string;
}

export interface Size {
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly diskGiB: number;
}

export interface Server {
  readonly name: string;
  /** A witness carries one control plane (the third vote) and nothing else. */
  readonly role: "full" | "witness";
  readonly cpus: number;
  readonly memoryMiB: number;
  /** Memory Xen's dom0 keeps for itself. */
  readonly dom0MemoryMiB: number;
  readonly disks: readonly Disk[];
  readonly passthrough: readonly Passthrough[];
  /** Workers on this server: 1 unless the file says otherwise; 0 on a witness. */
  readonly workers: number;
}

/** How often something fails and how long it is then gone, both in hours. */
export interface Reliability {
  /** Mean time between failures. */
  readonly mtbfHours: number;
  /** Mean time to repair. */
  readonly mttrHours: number;
}

export interface Disk {
  readonly name: string;
  readonly sizeGiB: number;
}

/** A PCI device handed to one machine. */
export interface Passthrough {
  readonly name: string;
  /** Full address, such as `0000:03:00.0`. */
  readonly pci: string;
  readonly for: Role;
}

/** Where each part of the file stands, by path (`sites[0].network.lan`); for errors found by later rooms. */
export type SourceMap = ReadonlyMap<string, Position>;

/** A checked file: the federation and where its parts stand in the text. */
export interface FederationFile {
  readonly federation: Federation;
  readonly source: SourceMap;
}
