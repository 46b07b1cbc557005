/**
 * What the driver will not do, found before anything is touched. Pure: a
 * server's facts and a domain in, the error out.
 */
import { PanopticonError } from "#base/errors.ts";
import type { XenDomain } from "#render/xen/domain.ts";
import type { SitePlan } from "#plan/plan.ts";
import type { Difference } from "./drift.ts";
import type { Domain, ServerFacts } from "./facts.ts";

/**
 * Xen's own need beside a guest's memory, in MiB: page tables, grant tables,
 * the toolstack's slack (libxl asks for 1 MiB and 8 KiB per MiB where pages are
 * shadowed; PV needs less).
 */
function overheadMiB(domain: XenDomain): number {
  return 8 + Math.ceil(domain.memoryMiB / 128) + 2 * domain.vcpus;
}

/** The domain of that name or uuid, where there is one; XEN_FOREIGN_DOMAIN where the name is somebody else's. */
export function ownDomain(
  server: string,
  facts: ServerFacts,
  machine: { readonly name: string; readonly uuid: string },
): Domain | undefined {
  const own = facts.domains.find(({ uuid }) => uuid === machine.uuid);
  const foreign = facts.domains.find(({ name, uuid }) => name === machine.name && uuid !== machine.uuid);
  if (foreign === undefined) return own;
  throw refuse(
    "XEN_FOREIGN_DOMAIN",
    `${server} runs a domain called ${machine.name} that is not ours: its uuid is ${foreign.uuid}, ours would be ${machine.uuid}.`,
    "Stop or rename that domain, or give the site another name. It is left as it is.",
    machine.name,
  );
}

/** Refuses a domain that the server has no memory for: XEN_NO_MEMORY. */
export function refuseMemory(server: string, facts: ServerFacts, domain: XenDomain): void {
  const wanted = domain.memoryMiB + overheadMiB(domain);
  const free = facts.info.freeMemoryMiB;
  if (free >= wanted) return;
  throw refuse(
    "XEN_NO_MEMORY",
    `${server} has ${free} MiB free, and ${domain.name} needs ${wanted} MiB: ${domain.memoryMiB} of its own and ${wanted - domain.memoryMiB} for Xen.`,
    "Stop what else runs there, give the machine less memory, or pin dom0's (dom0_mem).",
    domain.name,
  );
}

/**
 * Refuses devices that can't or mustn't be given away: XEN_NO_DEVICE where the
 * server has none there, XEN_DEVICE_NEEDED where dom0 stands on it,
 * XEN_NO_IOMMU where the platform can't pass any through. Xen itself would bind
 * a device to pciback before it finds out.
 */
export function refuseDevices(server: string, facts: ServerFacts, domain: XenDomain): void {
  for (const address of domain.pci) {
    const assigned = facts.domains.some(({ settings }) => settings?.pci.includes(address));
    if (!assigned && !facts.devices.some((device) => device.address === address)) {
      throw refuse(
        "XEN_NO_DEVICE",
        `${server} has no PCI device ${address}, which ${domain.name} is to be given.`,
        "Look at `lspci -D` there, and correct the file.",
        domain.name,
      );
    }
    const needed = facts.needed.find((each) => each.address === address);
    if (needed !== undefined) {
      throw refuse(
        "XEN_DEVICE_NEEDED",
        `${domain.name} can't be given ${address}: it carries ${needed.why}, and ${server} would lose it.`,
        "Give it another device, or free this one in dom0 first.",
        domain.name,
      );
    }
  }
  const capability = domain.type === "pv" ? "pv_directio" : "hvm_directio";
  if (domain.pci.length === 0 || facts.info.capabilities.has(capability)) return;
  throw refuse(
    "XEN_NO_IOMMU",
    `${server} can't pass devices through to ${domain.type.toUpperCase()} domains: its virt_caps are \`${[...facts.info.capabilities].join(" ")}\`, without ${capability}.`,
    "Switch on the IOMMU (VT-d, AMD-Vi) in the firmware, and leave `iommu=no` out of Xen's command line.",
    domain.name,
  );
}

/** Refuses a domain that wants more of the processor than it gives: XEN_NO_HVM. */
export function refuseType(server: string, { info }: ServerFacts, domain: XenDomain): void {
  if (domain.type === "pv" || info.capabilities.has("hvm")) return;
  throw refuse(
    "XEN_NO_HVM",
    `${server} can't run ${domain.name} as ${domain.type.toUpperCase()}: its virt_caps are \`${[...info.capabilities].join(" ")}\`, without hvm.`,
    "Switch on VT-x or AMD-V in the firmware, or give the server `virtualization: pv`.",
    domain.name,
  );
}

/** Refuses disks that the server has no room for: XEN_NO_SPACE, or XEN_NO_GROUP where a volume group is missing. */
export function refuseSpace(
  server: string,
  facts: ServerFacts,
  machine: string,
  wantedMiB: ReadonlyMap<string, number>,
): void {
  for (const [group, wanted] of wantedMiB) {
    const free = facts.groups.get(group);
    if (free === undefined) {
      throw refuse(
        "XEN_NO_GROUP",
        `${server} has no volume group ${group}, from which ${machine} gets its disks.`,
        `Make it of an empty disk: vgcreate ${group} /dev/DISK`,
        machine,
      );
    }
    if (free >= wanted) continue;
    throw refuse(
      "XEN_NO_SPACE",
      `volume group ${group} on ${server} has ${free} MiB free, and the disks of ${machine} need ${wanted} MiB.`,
      "Remove volumes that nobody needs, or add a disk to the group.",
      machine,
    );
  }
}

/** Refuses disks that would have to lose data to be as planned: XEN_DISK_SHRINKS (exit 1), all of them in one error. */
export function refuseShrinking(site: SitePlan, differences: readonly Difference[]): void {
  const never = differences.filter((difference) => difference.never);
  if (never.length === 0) return;
  const problems = never.map(({ machine, what }) => ({
    code: "XEN_DISK_SHRINKS",
    subject: machine,
    message: `${machine} of ${site.name}: ${what}.`,
    hint: "Give it in the file what it has. A worker's `data` is what its server's `disks` leave over: give them the size that they really have.",
  }));
  throw new PanopticonError(problems, 1);
}

function refuse(code: string, message: string, hint: string, subject: string): PanopticonError {
  return new PanopticonError([{ code, message, hint, subject }], 3);
}
