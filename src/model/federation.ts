/**
 * The file, once read and checked: a person's federation in our words. Text
 * such as `64GiB` is a number here and every default is filled in, so that no
 * later room asks whether a key was given.
 */
import type { Position } from "#base/errors.ts";
import type { JumpHost } from "./jump.ts";

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
  /** What the failure proof counts with: the file's figures over stated defaults. */
  readonly reliability: Readonly<Record<ComponentKind, Reliability>>;
  /** Share of the failures of a role's machines that hit all of a site's at once, 0 to 1. */
  readonly commonCause: number;
  /** Where copies of the backups are kept. */
  readonly backups: readonly Backup[];
  /** Votes on addresses from outside, where the sites alone are even in number. */
  readonly witness?: Witness;
  /** A public authority for the sites' certificates; a private one of our own where it is not given. */
  readonly acme?: AcmeAuthority;
  /** Whether the domain's zone is signed. */
  readonly dnssec: boolean;
  readonly sites: readonly Site[];
}

/** An authority that gives certificates by ACME (RFC 8555); its terms of service were agreed to in the file. */
export interface AcmeAuthority {
  /** URL of its directory. */
  readonly directory: string;
  /** Whom it writes to. */
  readonly email: string;
  /** PEM file of who signs its own server's certificate, where that is none that everybody trusts. */
  readonly authorityFile?: string;
}

/** What can fail by itself, as the file and the failure proof call it. */
export type ComponentKind = (typeof COMPONENT_KINDS)[number];

export const COMPONENT_KINDS = [
  "site",
  "feed",
  "switch",
  "router",
  "line",
  "address",
  "server",
  "controller",
  "disk",
  "device",
  "machine",
  "haproxy",
  "keepalived",
  "nameserver",
  "apiserver",
  "etcd",
  "containerd",
  "backup",
] as const;

/** A small machine anywhere that only looks and votes. */
export interface Witness {
  readonly name: string;
  /** Under which the sites reach it. */
  readonly address: string;
}

/** One copy of the backups, at a site or (without one) somewhere else. */
export interface Backup {
  readonly name: string;
  readonly site?: string;
}

/** What must hold; checked by the failure proof. */
export type Goal =
  | {
      readonly kind: "survive";
      readonly what: "any machine" | "any server" | "any site";
      /** Only at these sites; everywhere where it is not given. */
      readonly at?: readonly string[];
    }
  | { readonly kind: "availability" /** 0 to 1 */; readonly target: number };

export interface Site {
  readonly name: string;
  readonly kind: SiteKind;
  /** Cloud region; only for rented sites. */
  readonly region?: string;
  readonly network: SiteNetwork;
  /** The machine that SSH goes through to its servers and machines, where it has to. */
  readonly jump?: JumpHost;
  /** 1, 3 or 5. */
  readonly controlplanes: number;
  /** Guests per role: what each one gets. Worker sizes are a floor: workers take the rest of a server. */
  readonly sizes: Readonly<Record<Role, Size>>;
  /** On how many servers each volume is kept; chosen by the number of servers where it is not given. */
  readonly replicas?: number;
  /** Empty for rented sites. */
  readonly servers: readonly Server[];
}

export interface SiteNetwork {
  /** CIDR of the LAN, such as `10.11.0.0/24`. */
  readonly lan: string;
  readonly gateway: string;
  /** Public addresses of the site's router; at least one in an on-prem site. */
  readonly external: readonly string[];
  /** Internet lines, where the file tells them apart; else there is one with every external address. */
  readonly lines: readonly Line[];
  /** What the router hangs on. */
  readonly router: Connection;
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

export interface Line {
  readonly name: string;
  /** The external addresses that it brings. */
  readonly external: readonly string[];
}

/** Power feeds and network switches by name, any one of each being enough; empty where the file does not say. */
export interface Connection {
  readonly power: readonly string[];
  readonly switches: readonly string[];
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

export interface Server extends Connection {
  readonly name: string;
  /** A witness carries one control plane (the third vote) and nothing else. */
  readonly role: "full" | "witness";
  /** dom0's own, in the LAN; needed where the server is to be reached. */
  readonly address?: string;
  /** Of its network card in the LAN. */
  readonly mac?: string;
  readonly cpus: number;
  readonly memoryMiB: number;
  /** Its machines are PVH domains, and HVM ones where they are given a device; PV where it is missing. */
  readonly virtualization?: "hardware";
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
  /** Name of the disk controller it hangs on, where the file says so. */
  readonly controller?: string;
  /** As `lsblk` shows it; by it a stick knows the disk that it may write. */
  readonly serial?: string;
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
