import type { Disk, FederationFile, Server, Site, Size } from "#model/federation.ts";
import { normalizeReliability } from "#model/normalize.ts";
import { makePlan } from "#plan/make.ts";
import type { Figure } from "./figure.ts";

const SERVERS = 10;

/** Plans many sites of 10 servers each: alike ones, and ones with disks so tight that HiGHS is asked for each. */
export async function planBench(): Promise<readonly Figure[]> {
  const common = { unit: "s", goal: "≤ 1" };
  const roomy = await secondsFor(manySites(100, [{ name: "ssd", sizeGiB: 1000 }]));
  const tight = await secondsFor(manySites(10, TIGHT));
  return [
    { figure: `plan of 100 sites × ${SERVERS} servers`, value: roomy, ...common },
    {
      figure: `plan of 10 sites × ${SERVERS} servers, by HiGHS, loading it included`,
      value: tight,
      ...common,
    },
  ];
}

/** Two workers' roots of 30 GiB fill the first, an ECAM's and a control plane's of 20 GiB the other; no other way fits. */
const TIGHT: readonly Disk[] = [
  { name: "ssd", sizeGiB: 60 },
  { name: "hdd", sizeGiB: 40 },
];

async function secondsFor(file: FederationFile): Promise<number> {
  const start = performance.now();
  await makePlan(file);
  return (performance.now() - start) / 1000;
}

export function manySites(count: number, disks: readonly Disk[]): FederationFile {
  const sites = Array.from({ length: count }, (_, index) => site(index + 1, disks));
  return {
    federation: {
      name: "bench",
      domain: "bench.test",
      crown: "site-1",
      kubernetes: "v1.36.3",
      goals: [],
      reliability: normalizeReliability({}),
      commonCause: 0.05,
      backups: [],
      dnssec: false,
      sites,
    },
    source: new Map(),
  };
}

function site(number: number, disks: readonly Disk[]): Site {
  const size = (cpus: number, memoryMiB: number, diskGiB: number): Size => ({ cpus, memoryMiB, diskGiB });
  return {
    name: `site-${number}`,
    kind: "on-prem",
    network: {
      lan: `10.${number}.0.0/24`,
      gateway: `10.${number}.0.1`,
      external: [`203.0.113.${number}`],
      lines: [],
      router: { power: [], switches: [] },
      reserved: [],
      resolvers: [`10.${number}.0.1`],
    },
    controlplanes: 3,
    sizes: { ecam: size(1, 512, 20), controlplane: size(2, 4096, 20), worker: size(2, 4096, 30) },
    servers: Array.from({ length: SERVERS }, (_, index) => server(index, disks)),
  };
}

function server(index: number, disks: readonly Disk[]): Server {
  return {
    name: `server-${index}`,
    role: "full",
    cpus: 16,
    memoryMiB: 65_536 - 1024 * (index % 4),
    dom0MemoryMiB: 2048,
    disks,
    passthrough: [],
    workers: 2,
    power: [],
    switches: [],
  };
}
