/** The disks that machines are stored on: volume groups, called as the file calls the server's disks. */
import { NAME } from "#model/formats.ts";
import type { HostFacts } from "./facts.ts";
import type { ServerFinding } from "./finding.ts";
import type { BlockDevice, VolumeGroup } from "./hardware.ts";

/** Volume groups that the file could name, with room for a machine's disk. */
export function usableGroups({ groups }: HostFacts): readonly VolumeGroup[] {
  return groups.filter(({ name, forMachinesGiB }) => isName(name) && forMachinesGiB > 0);
}

export function storageFindings(facts: HostFacts): readonly ServerFinding[] {
  const { groups, disks, missingPrograms } = facts;
  if (missingPrograms.includes("vgs")) return []; // nothing is known of its volume groups
  const empty = disks.filter((disk) => disk.empty);
  return [
    ...(usableGroups(facts).length === 0 ? [noGroup(groups, disks, empty)] : []),
    ...groups.filter(({ name }) => !isName(name)).map(unnameable),
    ...groups.filter(({ on }) => on.length > 1).map(spread),
    ...(usableGroups(facts).length === 0 ? [] : empty.map(idle)),
  ];
}

function noGroup(
  groups: readonly VolumeGroup[],
  disks: readonly BlockDevice[],
  empty: readonly BlockDevice[],
): ServerFinding {
  const full = groups.filter(({ forMachinesGiB }) => forMachinesGiB === 0).map(({ name }) => name);
  const [first] = empty;
  return {
    code: "SERVER_NO_GROUP",
    severity: "critical",
    subject: "disks",
    what:
      full.length > 0
        ? `no volume group has room: ${full.join(", ")} is full`
        : `there is no volume group; the disks are ${disks.map(describe).join("; ") || "none"}`,
    why: "machines get their disks as volumes of a group, which is called as the disk in the file",
    todo: first
      ? `make one of an empty disk, called as the disk shall be in the file: vgcreate ssd ${first.path}`
      : "make one of a disk that may be emptied, or of a free partition: vgcreate ssd /dev/DISK",
  };
}

function unnameable({ name }: VolumeGroup): ServerFinding {
  return {
    code: "SERVER_GROUP_NAME",
    severity: "warning",
    subject: `volume group ${name}`,
    what: `${name} is no name that the file takes`,
    why: "the file calls a server's disk as its volume group",
    todo: `${NAME.fault(name)?.hint ?? ""}: vgrename ${name} NEW, and mend /etc/fstab and the boot loader where dom0's root is in it`,
  };
}

function spread({ name, on }: VolumeGroup): ServerFinding {
  return {
    code: "SERVER_GROUP_SPREAD",
    severity: "warning",
    subject: `volume group ${name}`,
    what: `it lies on ${on.length} devices: ${on.join(", ")}`,
    why: "the loss of any of them loses machines' disks, and the failure proof counts the group as one disk",
    todo: "make one group of each disk, or one of a RAID over them",
  };
}

function idle(disk: BlockDevice): ServerFinding {
  return {
    code: "SERVER_DISK_IDLE",
    severity: "note",
    subject: disk.name,
    what: `${describe(disk)}: it is in no volume group`,
    why: "machines could be stored on it",
    todo: `make a group of it, called as the disk shall be in the file: vgcreate ${disk.rotational ? "hdd" : "ssd"} ${disk.path}`,
  };
}

function describe({ name, model, serial, sizeBytes, holds }: BlockDevice): string {
  const maker = [model, serial && `serial ${serial}`].filter(Boolean).join(", ");
  const size = `${Math.round(sizeBytes / 1e9)} GB`;
  return `${name} (${[size, maker].filter(Boolean).join(", ")}), ${holds || "empty"}`;
}

function isName(name: string): boolean {
  return NAME.fault(name) === undefined;
}
