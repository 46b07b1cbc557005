/**
 * How a domain differs from its plan: in the file that the next start will read,
 * and in the domain that runs. A domain keeps what was changed on it by hand
 * even when it restarts after a crash, so the file alone says little.
 */
import type { XenDomain } from "#render/xen/domain.ts";
import type { RunningDomain } from "./domains.ts";

/** One difference, in words, and where it is. */
export interface Difference {
  readonly machine: string;
  readonly where: "file" | "domain" | "autostart" | "disk";
  readonly what: string;
  /** The domain has to be made anew for it. */
  readonly restart: boolean;
  /** Nothing mends it: a disk that would have to be made smaller. */
  readonly never?: true;
}

/** A disk that is there. */
export interface FoundDisk {
  readonly name: string;
  readonly plannedGiB: number;
  readonly foundMiB: number;
}

/** What is known of one machine on its server. */
export interface Known {
  /** The planned configuration's text. */
  readonly planned: string;
  readonly domain: XenDomain;
  /** The file's text; missing where there is none. */
  readonly file?: string | undefined;
  /** The running domain's settings; missing where none runs. */
  readonly running?: RunningDomain | undefined;
  readonly autostart: boolean;
  readonly disks: readonly FoundDisk[];
}

/** Every difference, those of the file first. */
export function differences(known: Known): readonly Difference[] {
  const machine = known.domain.name;
  const found: Difference[] = [];
  if (known.file === undefined) {
    found.push({ machine, where: "file", what: "its configuration file is not there", restart: false });
  } else {
    for (const what of fileDifferences(known.planned, known.file))
      found.push({ machine, where: "file", what, restart: false });
  }
  if (!known.autostart) {
    const what = "does not start when its server boots";
    found.push({ machine, where: "autostart", what, restart: false });
  }
  if (known.running !== undefined) {
    const { memoryMiB } = known.domain;
    if (known.running.targetMemoryKiB !== memoryMiB * 1024) {
      const what = `memory: ${mib(known.running.targetMemoryKiB)}, planned ${memoryMiB} MiB`;
      found.push({ machine, where: "domain", what, restart: false });
    }
    for (const what of domainDifferences(known.domain, known.running))
      found.push({ machine, where: "domain", what, restart: true });
  }
  return [...found, ...known.disks.flatMap((disk) => diskDifferences(machine, disk))];
}

/** A volume is as large as its group's extents make it: less than a GiB too much is none. So is a size that is not known. */
function diskDifferences(machine: string, { name, plannedGiB, foundMiB }: FoundDisk): readonly Difference[] {
  const sizes = `disk ${name}: ${Number((foundMiB / 1024).toFixed(1))} GiB, planned ${plannedGiB} GiB`;
  const difference = { machine, where: "disk", restart: false } as const;
  if (foundMiB < plannedGiB * 1024) {
    return [{ ...difference, what: `${sizes} (its file system grows when it next boots)` }];
  }
  if (foundMiB >= (plannedGiB + 1) * 1024) {
    return [{ ...difference, what: `${sizes}, and a disk is never made smaller`, never: true }];
  }
  return [];
}

/** By settings: our files have one on each line. */
function fileDifferences(planned: string, file: string): readonly string[] {
  const [wanted, found] = [settingsOf(planned), settingsOf(file)];
  return [...new Set([...wanted.keys(), ...found.keys()])].flatMap((key) => {
    const [want, have] = [wanted.get(key), found.get(key)];
    return want === have ? [] : [`${key} is ${have ?? "not set"}, planned ${want ?? "not set"}`];
  });
}

function settingsOf(text: string): ReadonlyMap<string, string> {
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const at = line.indexOf("=");
      return at < 0 ? [line.trim(), ""] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    }),
  );
}

function mib(kib: number): string {
  return `${kib / 1024} MiB`;
}

/** What a running domain can't be given: all but the memory that it is asked to keep to. */
function domainDifferences(wanted: XenDomain, running: RunningDomain): readonly string[] {
  const pairs: readonly (readonly [what: string, want: string, have: string])[] = [
    ["type", wanted.type, running.type],
    ["processors", String(wanted.vcpus), String(running.vcpus)],
    ["most memory", `${wanted.memoryMiB} MiB`, mib(running.maxMemoryKiB)],
    ["kernel", wanted.kernel, running.kernel],
    ["ramdisk", wanted.ramdisk, running.ramdisk],
    ["command line", `root=${wanted.root} ${wanted.extra}`, running.cmdline],
    ["after a crash", wanted.onCrash, running.onCrash],
  ];
  const single = pairs.flatMap(([what, want, have]) =>
    want === have ? [] : [`${what}: ${have || "none"}, planned ${want}`],
  );
  const disk = (each: { vdev: string; target: string }): string => `disk ${each.vdev} on ${each.target}`;
  const nic = (each: { mac: string; bridge: string }): string => `network card ${each.mac} at ${each.bridge}`;
  return [
    ...single,
    ...listDifferences(wanted.nics.map(nic), running.nics.map(nic)),
    ...listDifferences(wanted.disks.map(disk), running.disks.map(disk)),
    ...listDifferences(
      wanted.pci.map((address) => `device ${address}`),
      running.pci.map((address) => `device ${address}`),
    ),
  ];
}

function listDifferences(wanted: readonly string[], running: readonly string[]): readonly string[] {
  return [
    ...running.filter((each) => !wanted.includes(each)).map((each) => `has ${each}, which is not planned`),
    ...wanted.filter((each) => !running.includes(each)).map((each) => `lacks ${each}`),
  ];
}
