/** Whether dom0 keeps to a fixed amount of memory, now and after the next boot. */
import { formatMiB, parseBytes } from "#base/units.ts";
import { dom0Memory, GRUB_FILE, grubFile } from "#render/xen/dom0.ts";
import type { HostFacts } from "./facts.ts";
import type { Fix, ServerFinding } from "./finding.ts";

/**
 * The memory that a command line of Xen's pins dom0's to, in MiB; undefined
 * where the size or its limit is open or they differ (Xen's command line
 * documentation, `dom0_mem`: a size without a unit is in KiB).
 */
export function pinnedMiB(commandLine: string): number | undefined {
  let size: number | undefined;
  let max: number | undefined;
  for (const [, value = ""] of commandLine.matchAll(/(?:^|\s)dom0_mem=(\S+)/g)) {
    for (const part of value.split(",")) {
      const [, kind, amount = ""] = /^(?:(min|max):)?(.*)$/.exec(part) ?? [];
      if (kind === "max") max = mib(amount);
      else if (kind === undefined) size = mib(amount);
    }
  }
  return size !== undefined && size === max ? size : undefined;
}

function mib(amount: string): number | undefined {
  const [, digits, unit = "K"] = /^([0-9]+)([BKMGT])?$/i.exec(amount) ?? [];
  const bytes = digits && parseBytes(`${digits}${unit.toUpperCase() === "B" ? "" : `${unit}i`}B`);
  return bytes ? Math.floor(bytes / 2 ** 20) : undefined;
}

/** `wantedMiB` is what dom0 shall keep. */
export function dom0MemoryFindings(facts: HostFacts, wantedMiB: number): readonly ServerFinding[] {
  if (facts.xen.info === undefined || pinnedMiB(facts.xen.commandLine) !== undefined) return [];
  const base = {
    severity: "critical" as const,
    subject: "dom0's memory",
    why: "without a fixed size dom0 takes all memory, and gives it up late and in part when a machine starts",
  };
  const next = pinnedMiB(facts.boot.nextCommandLine ?? "");
  if (next !== undefined) {
    return [
      {
        ...base,
        code: "SERVER_REBOOT",
        what: `it will be pinned to ${formatMiB(next)} from the next boot on`,
        todo: "reboot the server when that suits you: systemctl reboot",
      },
    ];
  }
  const setting = dom0Memory(wantedMiB);
  const said = /(?:^|\s)(dom0_mem=\S+)/.exec(facts.xen.commandLine)?.[1];
  const grub = facts.boot.canUpdateGrub;
  return [
    {
      ...base,
      code: "SERVER_MEMORY_OPEN",
      what: said ? `Xen was booted with ${said}, which pins no one size` : "Xen was booted without dom0_mem",
      todo: grub
        ? `give Xen \`${setting}\` in ${GRUB_FILE}, then update-grub and reboot`
        : `give Xen \`${setting}\` on its command line, where your boot loader has it, and reboot`,
      ...(grub && { fix: pinMemory(setting) }),
    },
  ];
}

function pinMemory(setting: string): Fix {
  const comment = "Written by panopticon server adopt: dom0 keeps to this memory, the rest is for machines.";
  return {
    files: [grubFile(comment, [["GRUB_CMDLINE_XEN_DEFAULT", setting]])],
    commands: [["update-grub"]],
  };
}
