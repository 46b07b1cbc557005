/** A domain's configuration file on its server, as `xl create` reads it. */
import type { MachinePlan, Plan, SitePlan } from "#plan/plan.ts";
import type { RenderedFile } from "#render/files.ts";
import { emitXl, type XlEntry, xlSpecification } from "../formats/xl.ts";
import { word } from "../refuse.ts";
import { configFolder, usualGround, type XenDomain, xenDomain, type XenGround } from "./domain.ts";

const MAC = /^00:16:3e(:[0-9a-f]{2}){3}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const DOMAIN_NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/** An HVM domain would get an emulated screen, shown by VNC to whoever is on the server. */
const NO_SCREEN: readonly XlEntry[] = [
  ["vga", "none"],
  ["vnc", 0],
];

/** The text of the domain's file. */
export function emitDomain(domain: XenDomain): string {
  const where = domain.name;
  return emitXl([
    ["name", word(domain.name, where, DOMAIN_NAME)],
    ["uuid", word(domain.uuid, where, UUID)],
    ["type", domain.type],
    ["kernel", domain.kernel],
    ["ramdisk", domain.ramdisk],
    ["root", domain.root],
    ["extra", domain.extra],
    ["memory", domain.memoryMiB],
    ["maxmem", domain.memoryMiB],
    ["vcpus", domain.vcpus],
    [
      "vif",
      domain.nics.map(({ mac, bridge }) =>
        xlSpecification([
          ["mac", word(mac, where, MAC)],
          ["bridge", bridge],
          ...(domain.type === "hvm" ? [["type", "vif"] as const] : []),
        ]),
      ),
    ],
    ["disk", domain.disks.map(({ vdev, target }) => diskSpecification(vdev, target))],
    ...(domain.type === "hvm" ? NO_SCREEN : []),
    ["pci", domain.pci.length > 0 ? domain.pci : undefined],
    ["on_poweroff", "destroy"],
    ["on_reboot", "restart"],
    ["on_crash", domain.onCrash],
  ]);
}

/** The target takes the rest of the text, so it comes last. */
function diskSpecification(vdev: string, target: string): string {
  return xlSpecification(
    [
      ["format", "raw"],
      ["vdev", vdev],
      ["access", "rw"],
      ["backendtype", "phy"],
    ],
    ["target", target],
  );
}

/** The file on the machine's server. */
export function domainFile(
  plan: Pick<Plan, "federation">,
  site: SitePlan,
  machine: MachinePlan,
  ground: XenGround,
): RenderedFile {
  const path = `${configFolder(plan.federation)}/${machine.name}.cfg`;
  return { path, content: emitDomain(xenDomain(site, machine, ground)), mode: 0o600 };
}

/** The files of a site's servers, by server, as they are where nobody says otherwise. */
export function serverFiles(plan: Plan, site: SitePlan): readonly (readonly [string, RenderedFile])[] {
  return site.machines.map((machine) => [
    machine.server,
    domainFile(plan, site, machine, usualGround(plan, machine)),
  ]);
}
