/** A host's disks and devices, from what `lsblk`, LVM and `lspci` say of them. */
import { z } from "zod";

export interface BlockDevice {
  /** Such as `sda`. */
  readonly name: string;
  /** A path that stays the same over boots, where udev gives one. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly model: string;
  readonly serial: string;
  readonly rotational: boolean;
  /** Whether nothing is on it: no table of partitions, no file system, no volume, not in use. */
  readonly empty: boolean;
  /** In words: `ext4 at /`, `LVM2_member`, or `3 partitions: vfat, ext4, swap`. */
  readonly holds: string;
}

const text = z
  .string()
  .nullish()
  .transform((value) => value?.trim() ?? "");

/** Columns that a disk lacks are null; what is on it hangs below it. */
const NODE = z.object({
  name: z.string(),
  path: text,
  type: text,
  size: z.number(),
  model: text,
  serial: text,
  rota: z.boolean().nullish(),
  rm: z.boolean().nullish(),
  ro: z.boolean().nullish(),
  fstype: text,
  pttype: text,
  mountpoints: z.array(z.string().nullable()).nullish(),
  get children() {
    return z.array(NODE).nullish();
  },
});
type Node = z.infer<typeof NODE>;

/**
 * The disks that `lsblk -J -b` lists, without what can be pulled out or can't be
 * written. `links` are lines `DEVICE LINK` of /dev/disk/by-id.
 */
export function parseDisks(json: string, links: string): readonly BlockDevice[] {
  if (json.trim() === "") return [];
  const { blockdevices } = z.object({ blockdevices: z.array(NODE) }).parse(JSON.parse(json));
  return blockdevices
    .filter(({ type, rm, ro, size }) => type === "disk" && !rm && !ro && size > 0)
    .map((node) => ({
      name: node.name,
      path: stablePath(node.path || `/dev/${node.name}`, links),
      sizeBytes: node.size,
      model: node.model,
      serial: node.serial,
      rotational: node.rota === true,
      empty: holds(node) === "",
      holds: holds(node),
    }));
}

function holds(node: Node): string {
  const own = [node.fstype, mounted(node)].filter(Boolean).join(" ");
  const parts = node.children ?? [];
  if (parts.length === 0) return own || (node.pttype && `an empty ${node.pttype} table of partitions`);
  const within = parts.map((part) => holds(part) || "nothing").join(", ");
  const noun = parts.every(({ type }) => type === "part") ? "part" : "volume";
  return `${own && `${own}: `}${parts.length} ${noun}${parts.length === 1 ? "" : "s"} (${within})`;
}

function mounted({ mountpoints }: Node): string {
  const where = (mountpoints ?? []).filter((point) => point !== null);
  return where.length === 0 ? "" : `at ${where.join(", ")}`;
}

/** The shortest link that names a disk by its maker's number; one by its WWN alone tells a person nothing. */
function stablePath(device: string, links: string): string {
  const own = links
    .split("\n")
    .map((line) => line.split(" "))
    .flatMap(([target, link]) => (target === device && link ? [link] : []))
    .toSorted((one, other) => one.length - other.length || (one < other ? -1 : 1));
  return own.find((link) => !/\/(wwn|nvme-eui|nvme-nvme)[.-]/.test(link)) ?? own[0] ?? device;
}

export interface VolumeGroup {
  readonly name: string;
  /** What machines may have: free, or theirs already. In GiB, rounded down. */
  readonly forMachinesGiB: number;
  /** Its physical volumes, as `/dev/sdb`. */
  readonly on: readonly string[];
}

const number = z.coerce.number();
const GROUPS = z.array(z.object({ vg_name: z.string(), vg_free: number }));
const VOLUMES = z.array(z.object({ vg_name: z.string(), lv_size: number, lv_tags: z.string() }));
const PHYSICAL = z.array(z.object({ pv_name: z.string(), vg_name: z.string() }));

/** Reports of `vgs`, `lvs` and `pvs` as JSON; a volume is a machine's by the driver's tag. */
export function parseGroups(groups: string, volumes: string, physical: string): readonly VolumeGroup[] {
  const machines = VOLUMES.parse(report(volumes, "lv")).filter(({ lv_tags }) =>
    lv_tags.split(",").includes("panopticon"),
  );
  const disks = PHYSICAL.parse(report(physical, "pv"));
  return GROUPS.parse(report(groups, "vg")).map(({ vg_name: name, vg_free }) => {
    const own = machines.filter(({ vg_name }) => vg_name === name).map(({ lv_size }) => lv_size);
    const bytes = own.reduce((sum, size) => sum + size, vg_free);
    const on = disks.filter(({ vg_name }) => vg_name === name).map(({ pv_name }) => pv_name);
    return { name, forMachinesGiB: Math.floor(bytes / 2 ** 30), on };
  });
}

function report(json: string, kind: string): unknown {
  if (json.trim() === "") return []; // LVM is not installed, which is a finding of its own
  const { report: parts } = z
    .object({ report: z.array(z.record(z.string(), z.unknown())) })
    .parse(JSON.parse(json));
  return parts.flatMap((part) => part[kind] ?? []);
}

export interface NamedDevice {
  /** As `0000:00:10.0`. */
  readonly address: string;
  /** Class, as `0200` for an Ethernet card. */
  readonly kind: string;
  /** Maker and device, in words. */
  readonly name: string;
}

/** `lspci -Dmmnn`: fields in quotes, each with its number at its end. */
export function parseNamedDevices(lines: string): readonly NamedDevice[] {
  return lines.split("\n").flatMap((line) => {
    const match = /^(\S+) "[^"]*\[([0-9a-f]{4})\]" "([^"]*)" "([^"]*)"/.exec(line);
    const [, address, kind, maker, device] = match ?? [];
    if (!address || !kind || maker === undefined || device === undefined) return [];
    const plain = (field: string): string => field.replace(/ ?\[[0-9a-f]{4}\]$/, "");
    const name = [plain(maker), plain(device)].filter(Boolean).join(" ");
    return [{ address, kind, name: `${name} (${numberOf(maker)}:${numberOf(device)})` }];
  });
}

function numberOf(field: string): string {
  return /\[?([0-9a-f]{4})\]?$/.exec(field)?.[1] ?? "????";
}
