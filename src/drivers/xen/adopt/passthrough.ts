/** Devices worth giving to machines, and what speaks against the others. */
import type { HostFacts } from "./facts.ts";
import type { ServerFinding } from "./finding.ts";
import type { NamedDevice } from "./hardware.ts";

/** A name for the file, by the device's class (PCI Code and ID Assignment Specification). */
const WORTHY: readonly (readonly [kind: RegExp, name: string])[] = [
  [/^02/, "network"],
  [/^0108/, "nvme"],
  [/^01/, "disks"],
  [/^03/, "graphics"],
  [/^04/, "media"],
  [/^0c03/, "usb"],
  [/^12/, "accelerator"],
];

export interface Offer {
  readonly device: NamedDevice;
  /** As the file could call it. */
  readonly name: string;
  /** Addresses that share its place on the bus, and go only with it. */
  readonly along: readonly string[];
}

export interface Offers {
  readonly offered: readonly Offer[];
  readonly withheld: readonly { readonly device: NamedDevice; readonly why: string }[];
}

/** Bridges, timers and other parts of the board are in neither list. */
export function passthroughOffers(facts: HostFacts): Offers {
  const offered: Offer[] = [];
  const withheld: { device: NamedDevice; why: string }[] = [];
  const counts = new Map<string, number>();
  for (const device of facts.devices) {
    const name = WORTHY.find(([kind]) => kind.test(device.kind))?.[1];
    if (name === undefined) continue;
    const along = companions(facts, device.address);
    const against = [device.address, ...along].flatMap((address) => reasonAgainst(facts, address, device));
    const [why] = against;
    if (why !== undefined) {
      withheld.push({ device, why });
      continue;
    }
    const number = (counts.get(name) ?? 0) + 1;
    counts.set(name, number);
    offered.push({ device, name: number === 1 ? name : `${name}-${number}`, along });
  }
  return { offered, withheld };
}

function reasonAgainst(facts: HostFacts, address: string, device: NamedDevice): readonly string[] {
  const carried = facts.needed.find((each) => each.address === address)?.why;
  const what = carried ?? (facts.screen.has(address) ? "dom0's console" : undefined);
  if (what === undefined) return [];
  if (address === device.address) return [`carries ${what}`];
  return [`goes only together with ${address}, which carries ${what}`];
}

/**
 * Devices that an IOMMU can't tell from this one, bridges aside. Where Xen keeps
 * the groups to itself, the functions of one slot are taken to be inseparable.
 */
function companions({ devices, iommu }: HostFacts, address: string): readonly string[] {
  const group = iommu.groups.get(address);
  const together = (other: string): boolean =>
    group === undefined ? slotOf(other) === slotOf(address) : iommu.groups.get(other) === group;
  return devices
    .filter((other) => other.address !== address && !other.kind.startsWith("06") && together(other.address))
    .map((other) => other.address);
}

function slotOf(address: string): string {
  return address.replace(/\.[0-7]$/, "");
}

/** Whether Xen can give devices away at all: PV and HVM domains are told apart. */
export function canPassThrough({ xen }: HostFacts): boolean {
  return xen.info?.capabilities.has("pv_directio") === true;
}

export function iommuFindings(facts: HostFacts): readonly ServerFinding[] {
  const { xen, iommu, pciback } = facts;
  if (xen.info === undefined) return [];
  if (!canPassThrough(facts)) {
    return [
      {
        code: "SERVER_NO_IOMMU",
        severity: "warning",
        subject: "IOMMU",
        what: iommu.table
          ? "the firmware tells of one, and Xen does not use it: virt_caps lacks pv_directio"
          : "the firmware tells of none: virt_caps lacks pv_directio",
        why: "without one, no device can be given to a machine; all else works",
        todo: iommu.table
          ? "take iommu=no out of Xen's command line; else see what `xl dmesg` says of it (interrupt remapping, a faulty table)"
          : "switch it on in the firmware's set-up (VT-d, AMD-Vi, IOMMU), where devices are to be passed through",
      },
    ];
  }
  if (pciback.loaded && pciback.atBoot) return [];
  const path = "/etc/modules-load.d/panopticon-pciback.conf";
  const fix = {
    files: [{ path, content: "xen-pciback\n", mode: 0o644 }],
    commands: [["modprobe", "xen-pciback"]],
  };
  return [
    {
      code: "SERVER_NO_PCIBACK",
      severity: "note",
      subject: "passthrough",
      what: pciback.loaded
        ? "xen-pciback is loaded, but not when the server boots"
        : "xen-pciback, which holds the devices of machines, is not loaded",
      why: "a machine that has a device would not start by itself after a boot of the server",
      todo: pciback.there
        ? `modprobe xen-pciback, and name it in ${path}`
        : "install a kernel that has the module xen-pciback (Debian: linux-image-amd64)",
      ...(pciback.there && { fix }),
    },
  ];
}
