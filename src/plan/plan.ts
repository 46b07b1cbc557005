/**
 * The plan's types: every machine, address and identity of a federation. A plan
 * is data: it is printed, compared, kept in the state folder and given to the
 * next planning, so that growth renumbers nothing.
 */
import type { AcmeAuthority, AddressRange, Role, SiteKind, Witness } from "#model/federation.ts";
import type { JumpHost } from "#model/jump.ts";

export interface Plan {
  /** Version of this format. */
  readonly version: 1;
  readonly federation: string;
  readonly domain: string;
  /** Name of the site that holds the hub. */
  readonly crown: string;
  /** Such as `v1.36.3`. */
  readonly kubernetes: string;
  readonly sites: readonly SitePlan[];
  /** Votes on addresses from outside. */
  readonly witness?: Witness;
  /** Who signs the sites' certificates; a private authority of our own where it is missing. */
  readonly acme?: AcmeAuthority;
  /** The domain's zone is signed; absent where it is not. */
  readonly dnssec?: true;
  /** Sites that were removed from the file, by number; absent where there are none. */
  readonly retired?: readonly RetiredSite[];
}

/** A removed site's number, which no other site is ever given. */
export interface RetiredSite {
  readonly name: string;
  readonly number: number;
}

export interface SitePlan {
  readonly name: string;
  readonly kind: SiteKind;
  /** From 1; never given to another site. Names `siteN.<domain>`. */
  readonly number: number;
  /** `siteN.<domain>`. */
  readonly domain: string;
  readonly network: NetworkPlan;
  /** What SSH goes through to its servers and machines; missing where it goes straight. */
  readonly jump?: JumpHost;
  /** The API's name and port: `api.siteN.<domain>`, port 6443, which resolves to the VIP. */
  readonly endpoint: { readonly name: string; readonly port: number };
  readonly vrrp: VrrpPlan;
  readonly servers: readonly ServerPlan[];
  /** ECAMs, then control planes, then workers, each by name in natural order. */
  readonly machines: readonly MachinePlan[];
}

export interface NetworkPlan {
  readonly lan: string;
  readonly gateway: string;
  readonly external: readonly string[];
  readonly resolvers: readonly string[];
  /** In front of the API servers. */
  readonly vip: string;
  /** In front of the site's name servers. */
  readonly namesVip: string;
  readonly ingress: AddressRange;
  /** The operator's own address in the LAN, where he is on it (the lab's host). */
  readonly operator: string;
  /** CIDRs that no other site and no LAN overlaps. */
  readonly pods: string;
  readonly services: string;
  /** Cluster DNS, the tenth address of `services`. */
  readonly clusterDns: string;
}

export interface VrrpPlan {
  /** 1 to 255, unique over the federation's LANs. */
  readonly id: number;
  readonly namesId: number;
}

export interface ServerPlan {
  readonly name: string;
  readonly role: "full" | "witness";
  /** dom0's own, in the site's LAN; missing where the file does not say. */
  readonly address?: string;
  readonly cpus: number;
  readonly memoryMiB: number;
  /** What the machines on it leave over after dom0's share. */
  readonly freeMemoryMiB: number;
  readonly freeCpus: number;
}

export interface MachinePlan {
  /** Host name and Kubernetes node name, such as `attic-cp-1`; unique in the federation. */
  readonly name: string;
  readonly role: Role;
  /** Name of the server it runs on. */
  readonly server: string;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly disks: readonly MachineDisk[];
  readonly address: string;
  /** `00:16:3e:…`, lower case. */
  readonly mac: string;
  readonly uuid: string;
  /** The part of the site's pod network that is this node's; none for an ECAM. */
  readonly podNetwork?: string;
  /** ECAMs only: VRRP priority, unique in the site. */
  readonly priority?: number;
  readonly passthrough: readonly { readonly name: string; readonly pci: string }[];
  /** How Xen runs it; as PV where it is missing. */
  readonly virtualization?: "pvh" | "hvm";
  /** Why it is here and this large, in sentences; shown by `plan --explain`. */
  readonly reasons: readonly string[];
}

export interface MachineDisk {
  /** `root`; a worker's others are `data`, `data-2`, … . */
  readonly name: string;
  /** The server's disk it is cut from. */
  readonly from: string;
  readonly sizeGiB: number;
}

/** The machines of one role, in plan order. */
export function machinesOf(site: SitePlan, role: Role): readonly MachinePlan[] {
  return site.machines.filter((machine) => machine.role === role);
}
