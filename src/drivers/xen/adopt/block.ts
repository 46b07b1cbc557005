/** The server as the federation file describes it: lines to put under a site's `servers:`. */
import { DOM0_MEMORY } from "#model/defaults.ts";
import { NAME } from "#model/formats.ts";
import { pinnedMiB } from "./dom0-memory.ts";
import type { HostFacts } from "./facts.ts";
import type { Wanted } from "./findings.ts";
import { canPassThrough, passthroughOffers } from "./passthrough.ts";
import { usableGroups } from "./storage.ts";

/**
 * The block, as YAML indented for a site's `servers:`. Undefined where Xen does
 * not run there or no volume group can hold machines: the sizes are not known
 * before. Everything in it is a number or was found to be a plain name, and what
 * devices call themselves stands in comments on one line.
 */
export function serverBlock(facts: HostFacts, { dom0MiB }: Wanted): string | undefined {
  const { info } = facts.xen;
  const groups = usableGroups(facts);
  if (info === undefined || groups.length === 0) return undefined;
  const pinned = pinnedMiB(facts.xen.commandLine) ?? pinnedMiB(facts.boot.nextCommandLine ?? "") ?? dom0MiB;
  const lines = [
    `- name: ${serverName(facts.hostname)}`,
    ...addressLine(facts),
    `  cpus: ${info.cpus} # threads`,
    `  memory: ${amount(info.totalMemoryMiB)}`,
    ...(amount(pinned) === DOM0_MEMORY ? [] : [`  dom0Memory: ${amount(pinned)}`]),
    ...(info.capabilities.has("hvm") ? ["  # virtualization: hardware # its processor can"] : []),
    "  disks:",
    ...groups.flatMap(({ name, forMachinesGiB }) => [
      `    - name: ${name}`,
      `      size: ${forMachinesGiB}GiB # what machines may have of the volume group`,
    ]),
    ...passthroughLines(facts).map((line) => `  ${line}`),
  ];
  return `${lines.map((line) => `      ${line}`).join("\n")}\n`;
}

/** The one that the server is managed by, where it has just one. */
function addressLine({ network }: HostFacts): readonly string[] {
  const [address, ...more] = network.management?.addresses ?? [];
  return address === undefined || more.length > 0 ? [] : [`  address: ${address.text.split("/")[0]}`];
}

/** The host's own name where the file takes it, else the nearest that it does. */
export function serverName(hostname: string): string {
  const [first = ""] = hostname.toLowerCase().split(".");
  const name = first
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^[-0-9]+/g, "")
    .slice(0, 20)
    .replaceAll(/-+$/g, "");
  return NAME.fault(name) === undefined ? name : "server";
}

function amount(mib: number): string {
  return mib % 1024 === 0 ? `${mib / 1024}GiB` : `${mib}MiB`;
}

/** All in comments: which machine gets a device is the person's to say. */
function passthroughLines(facts: HostFacts): readonly string[] {
  const { offered, withheld } = passthroughOffers(facts);
  const able = canPassThrough(facts);
  const offers = offered.flatMap(({ device, name, along }) => [
    `#   - name: ${name} # ${plain(device.name)}${along.length > 0 ? `; shares its slot with ${along.join(", ")}` : ""}`,
    `#     pci: "${device.address}"`,
    "#     for: worker",
  ]);
  const kept = withheld.map(
    ({ device, why }) => `#   ${device.address} ${plain(device.name)}: ${plain(why)}`,
  );
  return [
    ...(offers.length > 0
      ? [able ? "# passthrough:" : "# passthrough: # not before the IOMMU is switched on", ...offers]
      : []),
    ...(kept.length > 0 ? ["# Not to be passed through:", ...kept] : []),
  ];
}

/** What could end a comment is left out. */
function plain(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]+/g, " ").trim();
}
