/** Federations to plan in tests: small ones by hand and arbitrary ones for fast-check. */
import fc from "fast-check";
import { formatAddress, hostsOf, toAddress, toCidr } from "#base/ipv4.ts";
import { normalizeReliability } from "#model/normalize.ts";
import type { Federation, FederationFile, Server, Site, Size } from "#model/federation.ts";

const GIB = 1024;

const SIZES: Site["sizes"] = {
  ecam: { cpus: 1, memoryMiB: 512, diskGiB: 4 },
  controlplane: { cpus: 2, memoryMiB: 4 * GIB, diskGiB: 32 },
  worker: { cpus: 2, memoryMiB: 4 * GIB, diskGiB: 40 },
};

export function server(name: string, changes: Partial<Server> = {}): Server {
  return {
    name,
    role: "full",
    cpus: 16,
    memoryMiB: 64 * GIB,
    dom0MemoryMiB: 2 * GIB,
    disks: [{ name: "ssd", sizeGiB: 1000 }],
    passthrough: [],
    workers: changes.role === "witness" ? 0 : 1,
    power: [],
    switches: [],
    ...changes,
  };
}

/** A site in `10.<octet>.0.0/24`. */
export function site(
  name: string,
  octet: number,
  servers: readonly Server[],
  changes: Partial<Site> = {},
): Site {
  return {
    name,
    kind: "on-prem",
    network: network(`10.${octet}.0.0/24`),
    controlplanes: 3,
    sizes: SIZES,
    servers,
    ...changes,
  };
}

/** A network with its first address as gateway. */
export function network(lan: string, changes: Partial<Site["network"]> = {}): Site["network"] {
  const gateway = formatAddress(hostsOf(toCidr(lan)).first);
  return {
    lan,
    gateway,
    external: ["203.0.113.1"],
    lines: [],
    router: { power: [], switches: [] },
    reserved: [],
    resolvers: [gateway],
    ...changes,
  };
}

export function fileOf(sites: readonly Site[], source: FederationFile["source"] = new Map()): FederationFile {
  return { federation: federationOf(sites), source };
}

function federationOf(sites: readonly Site[]): Federation {
  return {
    name: "home",
    domain: "home.test",
    crown: sites[0]?.name ?? "",
    kubernetes: "v1.36.3",
    goals: [],
    reliability: normalizeReliability({}),
    commonCause: 0.05,
    backups: [],
    dnssec: false,
    sites,
  };
}

const roomySize = (diskGiB: number): fc.Arbitrary<Size> =>
  fc.record({
    cpus: fc.integer({ min: 1, max: 2 }),
    memoryMiB: fc.integer({ min: 512, max: 2 * GIB }),
    diskGiB: fc.integer({ min: 4, max: diskGiB }),
  });

const disks = (least: number, most: number) =>
  fc
    .array(fc.integer({ min: least, max: most }), { minLength: 1, maxLength: 3 })
    .map((sizes) => sizes.map((sizeGiB, index) => ({ name: `disk-${index}`, sizeGiB })));

const NO_CONNECTION = { power: fc.constant([]), switches: fc.constant([]) };

/** A server that has room for all five control planes, so that only the rules decide. */
export const roomyServer: fc.Arbitrary<Omit<Server, "name">> = fc.record({
  role: fc.constant("full" as const),
  cpus: fc.integer({ min: 16, max: 64 }),
  memoryMiB: fc.integer({ min: 24 * GIB, max: 256 * GIB }),
  dom0MemoryMiB: fc.constant(2 * GIB),
  disks: disks(400, 2000),
  passthrough: fc.constant([]),
  workers: fc.integer({ min: 0, max: 2 }),
  ...NO_CONNECTION,
});

/** A server that may be too small for what it is asked to carry. */
const tightServer: fc.Arbitrary<Omit<Server, "name">> = fc.record({
  role: fc.constant("full" as const),
  cpus: fc.integer({ min: 4, max: 12 }),
  memoryMiB: fc.integer({ min: 4 * GIB, max: 16 * GIB }),
  dom0MemoryMiB: fc.constant(1 * GIB),
  disks: disks(15, 70),
  passthrough: fc.constant([]),
  workers: fc.integer({ min: 0, max: 2 }),
  ...NO_CONNECTION,
});

const witness: fc.Arbitrary<Omit<Server, "name">> = fc.record({
  role: fc.constant("witness" as const),
  cpus: fc.constant(4),
  memoryMiB: fc.constant(8 * GIB),
  dom0MemoryMiB: fc.constant(1 * GIB),
  disks: disks(64, 128),
  passthrough: fc.constant([]),
  workers: fc.constant(0),
  ...NO_CONNECTION,
});

function named(servers: readonly Omit<Server, "name">[]): readonly Server[] {
  return servers.map((one, index) => ({ ...one, name: `server-${index + 1}` }));
}

/** A LAN of /22 to /26 somewhere in 10/8, even where pods and services would like to be. */
function networkAt(index: number): fc.Arbitrary<Site["network"]> {
  return fc
    .record({
      octet: fc.constantFrom(20 + index, 96 + index, 128 + index),
      prefix: fc.integer({ min: 22, max: 26 }),
      reserved: fc.option(fc.tuple(fc.integer({ min: 2, max: 12 }), fc.integer({ min: 0, max: 4 }))),
      vip: fc.boolean(),
      ingress: fc.boolean(),
      pods: fc.boolean(),
    })
    .map(({ octet, prefix, reserved, vip, ingress, pods }) => {
      const at = (offset: number) => formatAddress(toAddress(`10.${octet}.0.0`) + offset);
      return network(`10.${octet}.0.0/${prefix}`, {
        reserved: reserved ? [{ first: at(reserved[0]), last: at(reserved[0] + reserved[1]) }] : [],
        ...(vip && { vip: at(40) }),
        ...(ingress && { ingress: { first: at(44), last: at(47) } }),
        ...(pods && { pods: `10.${200 + index}.0.0/18`, services: `10.${220 + index}.0.0/22` }),
      });
    });
}

function siteAt(index: number, full: fc.Arbitrary<Omit<Server, "name">>): fc.Arbitrary<Site> {
  return fc
    .record({
      network: networkAt(index),
      controlplanes: fc.constantFrom(1, 3, 5),
      ecam: roomySize(8),
      controlplane: roomySize(40),
      worker: roomySize(40),
      full: fc.array(full, { minLength: 1, maxLength: 7 }),
      witness: fc.option(witness),
      first: fc.boolean(),
    })
    .map(
      ({
        network: lan,
        controlplanes,
        ecam,
        controlplane,
        worker,
        full: servers,
        witness: small,
        first,
      }) => ({
        name: `site-${index}`,
        kind: "on-prem",
        network: lan,
        controlplanes,
        sizes: { ecam, controlplane, worker },
        servers: named(small ? (first ? [small, ...servers] : [...servers, small]) : servers),
      }),
    );
}

function files(full: fc.Arbitrary<Omit<Server, "name">>): fc.Arbitrary<FederationFile> {
  return fc
    .integer({ min: 1, max: 6 })
    .chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => siteAt(index, full))))
    .map((sites) => fileOf(sites));
}

/** 1 to 6 sites of 1 to 8 unequal servers that always have room. */
export const roomyFiles: fc.Arbitrary<FederationFile> = files(roomyServer);

/** One site of unequal servers where much does not fit. */
export const tightFiles: fc.Arbitrary<FederationFile> = siteAt(0, tightServer).map((one) => fileOf([one]));
