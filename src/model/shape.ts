/** The shape of a federation file: its keys, what each holds and what it is for. */
import { z } from "zod";
import {
  COMMON_CAUSE,
  CONTROL_PLANES,
  DOM0_MEMORY,
  KUBERNETES,
  SIZES,
  VIRTUALIZATION,
  WORKERS,
} from "./defaults.ts";
import {
  ADDRESS_FORMAT,
  DISK_SIZE,
  DOMAIN,
  EMAIL,
  HTTPS_URL,
  JUMP,
  KUBERNETES_VERSION,
  MAC,
  MEMORY,
  NAME,
  NETWORK,
  PCI_ADDRESS,
  PERCENT,
  RANGE,
  SERIAL,
} from "./formats.ts";
import { backup, connection, goal, line, reliabilities } from "./shape-proof.ts";
import { text } from "./shape-text.ts";

export const ROLES = ["ecam", "controlplane", "worker"] as const;

const cpus = z.int().min(1).max(4096);

const size = (role: (typeof ROLES)[number], description: string) => {
  const { cpus: count, memoryMiB, diskGiB } = SIZES[role];
  return z
    .strictObject({
      cpus: cpus.optional().meta({ description: "Virtual CPUs.", default: count }),
      memory: text(MEMORY, "Memory.", "4GiB")
        .optional()
        .meta({ default: memoryMiB % 1024 === 0 ? `${memoryMiB / 1024}GiB` : `${memoryMiB}MiB` }),
      disk: text(DISK_SIZE, "Disk.", "32GiB")
        .optional()
        .meta({ default: `${diskGiB}GiB` }),
    })
    .meta({ description });
};

const sizes = z.strictObject({
  ecam: size("ecam", "Each ECAM: the small machine in front of the API servers.").optional(),
  controlplane: size("controlplane", "Each control plane.").optional(),
  worker: size("worker", "The least a worker gets; workers take what is left of their server.").optional(),
});

const network = z.strictObject({
  lan: text(NETWORK, "The site's LAN. No two sites share addresses."),
  gateway: text(
    ADDRESS_FORMAT,
    "The router's address in the LAN; in a rented site the first one by default.",
  ).optional(),
  external: z
    .union([
      text(ADDRESS_FORMAT, "One address.", "203.0.113.10"),
      z
        .array(text(ADDRESS_FORMAT, "An address.", "203.0.113.10"))
        .min(1)
        .max(256),
    ])
    .optional()
    .meta({
      description: "The router's public address, or a list of them. On-prem sites need one.",
      examples: ["203.0.113.10"],
    }),
  lines: z.array(line).min(1).max(16).optional().meta({
    description: "Internet lines, where there is more than one; each external address comes by one of them.",
  }),
  router: z.strictObject(connection).optional().meta({ description: "What the router hangs on." }),
  reserved: z.array(text(RANGE, "A range or one address.")).max(256).optional().meta({
    description:
      "Addresses in the LAN that others use, such as the router's DHCP pool. Nothing is planned there.",
  }),
  vip: text(
    ADDRESS_FORMAT,
    "The virtual address of the site's API, where you want a certain one.",
    "10.11.0.10",
  ).optional(),
  ingress: text(RANGE, "Addresses for load balancers, where you want certain ones.").optional(),
  pods: text(NETWORK, "The network of the pods, where you want a certain one.", "10.128.0.0/16").optional(),
  services: text(
    NETWORK,
    "The network of the services, where you want a certain one.",
    "10.96.0.0/20",
  ).optional(),
  resolvers: z
    .array(text(ADDRESS_FORMAT, "A name server.", "9.9.9.9"))
    .min(1)
    .max(3)
    .optional()
    .meta({ description: "Name servers for names outside; the gateway by default." }),
});

const disk = z
  .strictObject({
    name: text(NAME, "The disk's name, unique on its server.", "ssd"),
    size: text(DISK_SIZE, "How much of it machines may have."),
    serial: text(
      SERIAL,
      "Its serial number, where a stick that installs the server shall write to this disk and no other.",
    ).optional(),
    controller: text(NAME, "The disk controller it hangs on; a name makes one.", "hba").optional(),
  })
  .meta({ description: "A disk of the server." });

const passthrough = z
  .strictObject({
    name: text(NAME, "The device's name, unique on its server.", "disks"),
    pci: text(PCI_ADDRESS, 'Its address as "lspci -D" shows it, in quotes.'),
    for: z.enum(ROLES).meta({ description: "The role of the machine that gets it.", examples: ["worker"] }),
  })
  .meta({ description: "A PCI device handed to one machine." });

const server = z
  .strictObject({
    name: text(NAME, "The server's name, unique in its site.", "left"),
    role: z.enum(["full", "witness"]).optional().meta({
      description: "A witness is a small box that carries one control plane (a vote) and nothing else.",
      default: "full",
    }),
    address: text(
      ADDRESS_FORMAT,
      "Its own address in the LAN (dom0's), where it is reached by SSH. No machine is given it.",
      "10.11.0.2",
    ).optional(),
    mac: text(
      MAC,
      "The MAC of its network card in the LAN, for a stick that installs it; else the first card with a link.",
    ).optional(),
    cpus: cpus.meta({ description: "Its CPU threads.", examples: [8] }),
    memory: text(MEMORY, "All its memory."),
    dom0Memory: text(MEMORY, "Memory that Xen's own domain (dom0) keeps.", DOM0_MEMORY)
      .optional()
      .meta({ default: DOM0_MEMORY }),
    virtualization: z.enum(["pv", "hardware"]).optional().meta({
      description:
        "How Xen runs machines on it. `pv` works on every processor; `hardware` wants VT-x or AMD-V, and runs them as PVH, or as HVM where they are given a device.",
      default: VIRTUALIZATION,
    }),
    disks: z.array(disk).min(1).max(64).meta({ description: "Disks that machines are stored on." }),
    passthrough: z
      .array(passthrough)
      .max(64)
      .optional()
      .meta({ description: "PCI devices handed to machines." }),
    ...connection,
    workers: z.int().min(0).max(16).optional().meta({
      description: "Workers on this server; none on a witness.",
      default: WORKERS,
    }),
  })
  .meta({ description: "A physical host that runs Xen." });

const site = z
  .strictObject({
    name: text(NAME, "The site's name; its machines' names begin with it."),
    kind: z.enum(["on-prem", "aws", "digitalocean"]).optional().meta({
      description: "On your own servers, or rented.",
      default: "on-prem",
    }),
    region: z
      .string()
      .min(1)
      .max(40)
      .optional()
      .meta({
        description: "The cloud's region; for rented sites, which need one.",
        examples: ["eu-central-1"],
      }),
    network: network.meta({ description: "The network behind the site's router." }),
    jump: text(
      JUMP,
      "Where its servers and machines are reached through by SSH, from outside of its LAN: root at port 22 where no user and port are given.",
    ).optional(),
    controlplanes: z.literal([1, 3, 5]).optional().meta({
      description: "How many control planes: 3 outlive the loss of one, 5 of two.",
      default: CONTROL_PLANES,
    }),
    sizes: sizes.optional().meta({ description: "Sizes for this site, where they differ." }),
    replicas: z.int().min(1).max(5).optional().meta({
      description: "On how many servers each volume is kept: by default on each that has workers, up to 3.",
    }),
    servers: z
      .array(server)
      .max(250)
      .optional()
      .meta({ description: "The site's servers; for on-prem sites, which need one." }),
  })
  .meta({ description: "Servers behind one router: one Kubernetes cluster." });

const witness = z.strictObject({
  name: text(NAME, "The witness's name, which is no site's.", "outpost"),
  address: text(ADDRESS_FORMAT, "The address under which every site reaches it.", "192.0.2.53"),
});

const acme = z
  .strictObject({
    directory: text(HTTPS_URL, "Where the authority's directory is."),
    email: text(EMAIL, "Whom the authority writes to, such as when a certificate runs out."),
    termsOfServiceAgreed: z.literal(true).meta({
      description: "That you have read the authority's terms of service and agree to them.",
      examples: [true],
    }),
    authorityFile: z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .meta({
        description:
          "PEM file of who signs the certificate of the authority's own server, seen from this file's folder; for authorities that are not public.",
        examples: ["acme-ca.crt"],
      }),
  })
  .meta({ description: "The authority that gives certificates by ACME (RFC 8555)." });

const certificates = z
  .strictObject({
    authority: z.enum(["private", "acme"]).optional().meta({
      description:
        "Who signs the sites' certificates: one of our own, which every user has to trust, or one that gives them by ACME.",
      default: "private",
    }),
    acme: acme.optional(),
  })
  .meta({ description: "The certificates that users see." });

/** Checks keys, types and forms; what must hold between them is in `checks/`. */
export const federationShape = z.strictObject({
  kind: z.literal("Federation").meta({ description: "What this file describes.", examples: ["Federation"] }),
  apiVersion: z
    .literal("panopticon/v1")
    .meta({ description: "The version of this format.", examples: ["panopticon/v1"] }),
  name: text(NAME, "The federation's name.", "home"),
  domain: text(DOMAIN, "The domain the federation answers for."),
  crown: text(NAME, "The on-prem site that leads: it holds the hub."),
  kubernetes: text(KUBERNETES_VERSION, "The Kubernetes version of every site.")
    .optional()
    .meta({ default: KUBERNETES }),
  goals: z
    .array(goal)
    .max(16)
    .optional()
    .meta({ description: "What must hold. The failure proof says whether it does." }),
  sizes: sizes.optional().meta({ description: "What machines of each role get, in every site." }),
  reliability: reliabilities
    .optional()
    .meta({ description: "How often things fail, and for how long; for the failure proof." }),
  commonCause: text(PERCENT, "Share of failures that hit all machines of a role at a site at once.", "5%")
    .optional()
    .meta({ default: COMMON_CAUSE }),
  backups: z
    .array(backup)
    .max(64)
    .optional()
    .meta({ description: "Where copies of backups are kept. So far only the failure proof reads it." }),
  witness: witness.optional().meta({
    description:
      "A small machine anywhere that only looks whether the sites answer, and votes. Two sites need one: without it neither is a majority.",
  }),
  certificates: certificates.optional(),
  dnssec: z.boolean().optional().meta({
    description:
      "Whether answers for the domain are signed (DNSSEC), all sites with one key. Your registrar then needs what `panopticon dns ds` prints.",
    default: false,
  }),
  sites: z.array(site).min(1).max(1000).meta({ description: "The sites, each one Kubernetes cluster." }),
});

/** A federation file as it is written, every key in its place. */
export type FederationInput = z.input<typeof federationShape>;
