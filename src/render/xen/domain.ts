/**
 * A machine as a Xen domain: what it is to be, as data. `config.ts` writes it as
 * xl reads it; the Xen driver compares it with what runs.
 */
import type { MachineDisk, MachinePlan, Plan, SitePlan } from "#plan/plan.ts";
import { refuse, word } from "../refuse.ts";

/** How a domain is virtualized; PVH and HVM want the processor's help (`hvm` in virt_caps), PV wants none. */
export type XenType = "pv" | "pvh" | "hvm";

export interface XenDisk {
  /** The guest's name of it, such as `xvda`. */
  readonly vdev: string;
  /** A block device of dom0. */
  readonly target: string;
}

export interface XenDomain {
  readonly name: string;
  readonly uuid: string;
  readonly type: XenType;
  readonly kernel: string;
  readonly ramdisk: string;
  readonly root: string;
  readonly extra: string;
  /** Also the most it may have: a guest that gives memory back is one that fails later. */
  readonly memoryMiB: number;
  readonly vcpus: number;
  readonly nics: readonly { readonly mac: string; readonly bridge: string }[];
  /** The root first. */
  readonly disks: readonly XenDisk[];
  /** Devices passed through, as `0000:01:00.0`. */
  readonly pci: readonly string[];
  readonly onCrash: "restart" | "preserve" | "destroy";
}

/** What the server has for its domains. */
export interface XenGround {
  readonly type: XenType;
  readonly bridge: string;
  /** dom0's folder with the guests' `vmlinuz` and `initrd.img`. */
  readonly image: string;
  /** The block device of a machine's disk. */
  readonly volume: (disk: MachineDisk) => string;
}

/** Where dom0 keeps what is ours. */
export const XEN_FOLDERS = { config: "/etc/panopticon/xen", images: "/var/lib/panopticon/images" } as const;

/** The folder of a federation's domain configurations on every server. */
export function configFolder(federation: string): string {
  return `${XEN_FOLDERS.config}/${federation}`;
}

/** The name of a machine's logical volume: federations that share a server share no volume. */
export function volumeName(federation: string, machine: string, disk: string): string {
  return word(`${federation}.${machine}.${disk}`, machine, /^[a-z0-9][a-z0-9.-]*$/);
}

/** The ground where nobody says otherwise: the machine's own type, and a volume group per disk of the file, called as the disk is. */
export function usualGround(plan: Pick<Plan, "federation">, machine: MachinePlan): XenGround {
  return {
    type: machine.virtualization ?? "pv",
    bridge: "xenbr0",
    image: `${XEN_FOLDERS.images}/current`,
    volume: (disk) => `/dev/${disk.from}/${volumeName(plan.federation, machine.name, disk.name)}`,
  };
}

/**
 * The machine's domain; RENDER_XEN_PVH_PCI where a PVH domain would be given a
 * device, which Xen refuses on x86 (libxl_x86.c).
 */
export function xenDomain(site: SitePlan, machine: MachinePlan, ground: XenGround): XenDomain {
  const pci = machine.passthrough.map((device) =>
    word(device.pci.toLowerCase(), machine.name, /^([0-9a-f]{4}:)?[0-9a-f]{2}:[0-1][0-9a-f]\.[0-7]$/),
  );
  if (ground.type === "pvh" && pci.length > 0) {
    throw refuse(
      "RENDER_XEN_PVH_PCI",
      `a PVH domain of ${site.name} can't be given the device ${pci[0]}`,
      "machines that are given devices are PV or HVM",
      machine.name,
    );
  }
  return {
    name: machine.name,
    uuid: machine.uuid,
    type: ground.type,
    kernel: `${ground.image}/vmlinuz`,
    ramdisk: `${ground.image}/initrd.img`,
    root: "/dev/xvda rw",
    // The rendered network files name eth0 and nothing else.
    extra: "net.ifnames=0 console=hvc0 quiet",
    memoryMiB: machine.memoryMiB,
    vcpus: machine.cpus,
    nics: [{ mac: machine.mac, bridge: ground.bridge }],
    disks: rootFirst(machine.disks).map((disk, index) => ({
      vdev: `xvd${String.fromCodePoint(97 + index)}`,
      target: ground.volume(disk),
    })),
    pci: pci.map((address) => (address.length === 7 ? `0000:${address}` : address)),
    onCrash: "restart",
  };
}

/** xvda is the root, whatever the order in the plan. */
function rootFirst(disks: readonly MachineDisk[]): readonly MachineDisk[] {
  return [...disks.filter(({ name }) => name === "root"), ...disks.filter(({ name }) => name !== "root")];
}
