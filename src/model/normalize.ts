/** From the file's words to ours: text to numbers, and every default filled in. */
import { contains, formatAddress, hostsOf, parseCidr } from "#base/ipv4.ts";
import { parseBytes, parseHours } from "#base/units.ts";
import {
  COMMON_CAUSE,
  CONTROL_PLANES,
  DOM0_MEMORY,
  KUBERNETES,
  RELIABILITY,
  SIZES,
  WORKERS,
} from "./defaults.ts";
import { type Draft, orDefault } from "./draft.ts";
import {
  type AcmeAuthority,
  type AddressRange,
  COMPONENT_KINDS,
  type ComponentKind,
  type Connection,
  type Federation,
  type Goal,
  type Reliability,
  type Role,
  type Server,
  type Site,
  type SiteNetwork,
  type Size,
} from "./federation.ts";
import { parseJump } from "./jump.ts";
import { parseRange } from "./formats.ts";
import type { FederationInput } from "./shape.ts";

type SiteInput = FederationInput["sites"][number];
type SizesInput = NonNullable<FederationInput["sizes"]>;
type ServerInput = NonNullable<SiteInput["servers"]>[number];

/** Unknown parts of the file stay unknown in the federation; a whole file gives a whole federation. */
export function normalize(input: Draft<FederationInput>): Draft<Federation> {
  if (input === undefined) return undefined;
  return {
    name: input.name,
    domain: input.domain,
    crown: input.crown,
    kubernetes: orDefault(input, "kubernetes", KUBERNETES),
    goals: orDefault(input, "goals", [])?.map(normalizeGoal),
    reliability: normalizeReliability(input.reliability),
    commonCause: toShare(orDefault(input, "commonCause", COMMON_CAUSE)),
    backups: orDefault(input, "backups", []),
    ...(input.witness !== undefined && { witness: input.witness }),
    ...normalizeCertificates(input.certificates),
    dnssec: orDefault(input, "dnssec", false),
    sites: input.sites?.map((site) => normalizeSite(site, input.sizes)),
  };
}

/** Only a public authority is anything to say: a private one is what there is else. */
function normalizeCertificates(input: Draft<FederationInput["certificates"]>): {
  readonly acme?: Draft<AcmeAuthority>;
} {
  if (input?.authority !== "acme" || input.acme === undefined) return {};
  const { directory, email, authorityFile } = input.acme;
  return { acme: { directory, email, ...(authorityFile !== undefined && { authorityFile }) } };
}

function normalizeGoal(input: Draft<NonNullable<FederationInput["goals"]>[number]>): Draft<Goal> {
  if (input?.survive !== undefined)
    return { kind: "survive", what: input.survive, ...(input.at !== undefined && { at: input.at }) };
  if (input?.availability === undefined) return undefined;
  return { kind: "availability", target: toShare(input.availability) };
}

/** The exponent keeps 99.9 % at exactly 0.999, which a division by 100 does not. */
function toShare(percent: string | undefined): number | undefined {
  return percent === undefined ? undefined : Number(`${percent.slice(0, -1)}e-2`);
}

/** Every kind's figures: the file's own go before the defaults, each by itself. */
export function normalizeReliability(
  input: Draft<FederationInput["reliability"]>,
): Readonly<Record<ComponentKind, Reliability>> {
  const figures = COMPONENT_KINDS.map((kind): [ComponentKind, Reliability] => {
    const { mtbf, mttr } = RELIABILITY[kind];
    const hours = (text: string | undefined, fallback: string) => parseHours(text ?? fallback) ?? 0;
    const given = input?.[kind];
    return [kind, { mtbfHours: hours(given?.mtbf, mtbf), mttrHours: hours(given?.mttr, mttr) }];
  });
  return Object.fromEntries(figures) as Record<ComponentKind, Reliability>;
}

function normalizeSite(input: Draft<SiteInput>, shared: Draft<SizesInput>): Draft<Site> {
  if (input === undefined) return undefined;
  const kind = orDefault(input, "kind", "on-prem");
  const jump = input.jump === undefined ? undefined : parseJump(input.jump);
  const size = (role: Role) => normalizeSize(input.sizes?.[role], shared?.[role], SIZES[role]);
  return {
    name: input.name,
    kind,
    ...(input.region !== undefined && { region: input.region }),
    network: normalizeNetwork(input.network, kind !== "on-prem"),
    ...(jump && { jump }),
    controlplanes: orDefault(input, "controlplanes", CONTROL_PLANES),
    sizes: { ecam: size("ecam"), controlplane: size("controlplane"), worker: size("worker") },
    ...(input.replicas !== undefined && { replicas: input.replicas }),
    servers: orDefault(input, "servers", [])?.map(normalizeServer),
  };
}

type SizeInput = Draft<NonNullable<SizesInput["ecam"]>>;

/** A site's own size goes before the federation's, and that before the default; each part by itself. */
function normalizeSize(own: SizeInput, shared: SizeInput, fallback: Size): Draft<Size> {
  const given = { ...shared, ...own };
  return {
    cpus: orDefault(given, "cpus", fallback.cpus),
    memoryMiB: Object.hasOwn(given, "memory") ? toMiB(given.memory) : fallback.memoryMiB,
    diskGiB: Object.hasOwn(given, "disk") ? toGiB(given.disk) : fallback.diskGiB,
  };
}

function normalizeNetwork(input: Draft<SiteInput["network"]>, rented: boolean): Draft<SiteNetwork> {
  if (input === undefined) return undefined;
  const first = rented ? firstHost(input.lan) : undefined;
  const gateway = orDefault(input, "gateway", first);
  const external = orDefault(input, "external", rented ? [] : undefined);
  const ingress = input.ingress === undefined ? undefined : toRange(input.ingress);
  return {
    lan: input.lan,
    gateway,
    external: typeof external === "string" ? [external] : external,
    lines: orDefault(input, "lines", []),
    router: normalizeConnection(orDefault(input, "router", {})),
    reserved: orDefault(input, "reserved", [])?.map((text) =>
      text === undefined ? undefined : toRange(text),
    ),
    ...(input.vip !== undefined && { vip: input.vip }),
    ...(ingress !== undefined && { ingress }),
    ...(input.pods !== undefined && { pods: input.pods }),
    ...(input.services !== undefined && { services: input.services }),
    resolvers: orDefault(input, "resolvers", gateway === undefined ? undefined : [gateway]),
  };
}

function normalizeServer(input: Draft<ServerInput>): Draft<Server> {
  if (input === undefined) return undefined;
  const role = orDefault(input, "role", "full");
  return {
    name: input.name,
    role,
    ...(input.address !== undefined && { address: input.address }),
    ...(input.mac !== undefined && { mac: input.mac }),
    cpus: input.cpus,
    memoryMiB: toMiB(input.memory),
    dom0MemoryMiB: toMiB(orDefault(input, "dom0Memory", DOM0_MEMORY)),
    ...(input.virtualization === "hardware" && { virtualization: input.virtualization }),
    disks: input.disks?.map(
      (disk) =>
        disk && {
          name: disk.name,
          ...(disk.controller !== undefined && { controller: disk.controller }),
          ...(disk.serial !== undefined && { serial: disk.serial }),
          sizeGiB: toGiB(disk.size),
        },
    ),
    passthrough: orDefault(input, "passthrough", []),
    workers: orDefault(input, "workers", role === "witness" ? 0 : WORKERS),
    ...normalizeConnection(input),
  };
}

function normalizeConnection(input: Draft<Partial<Connection>>): {
  readonly power: Draft<Connection["power"]>;
  readonly switches: Draft<Connection["switches"]>;
} {
  return {
    power: input && orDefault(input, "power", []),
    switches: input && orDefault(input, "switches", []),
  };
}

function toRange(text: string): AddressRange | undefined {
  const range = parseRange(text);
  return range && { first: formatAddress(range.first), last: formatAddress(range.last) };
}

function firstHost(lan: string | undefined): string | undefined {
  const cidr = lan === undefined ? undefined : parseCidr(lan);
  return cidr && contains(cidr, hostsOf(cidr).first) ? formatAddress(hostsOf(cidr).first) : undefined;
}

function toMiB(text: string | undefined): number | undefined {
  const bytes = text === undefined ? undefined : parseBytes(text);
  return bytes === undefined ? undefined : Math.floor(bytes / 2 ** 20);
}

function toGiB(text: string | undefined): number | undefined {
  const bytes = text === undefined ? undefined : parseBytes(text);
  return bytes === undefined ? undefined : Math.floor(bytes / 2 ** 30);
}
