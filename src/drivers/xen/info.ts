/** `xl info`: what the hypervisor and its hardware can do, and what is left of them. */

export interface XenInfo {
  /** Such as `4.17.5`. */
  readonly version: string;
  readonly totalMemoryMiB: number;
  readonly freeMemoryMiB: number;
  readonly cpus: number;
  /** Such as `pv`, `hvm`, `pv_directio`. */
  readonly capabilities: ReadonlySet<string>;
}

/** Undefined where the text is not what `xl info` says on a dom0. */
export function parseInfo(text: string): XenInfo | undefined {
  const fields = fieldsOf(text);
  const version = fields.get("xen_version");
  const free = fields.get("free_memory");
  if (version === undefined || free === undefined) return undefined;
  return {
    version,
    totalMemoryMiB: Number(fields.get("total_memory")),
    freeMemoryMiB: Number(free),
    cpus: Number(fields.get("nr_cpus")),
    capabilities: new Set((fields.get("virt_caps") ?? "").split(" ").filter(Boolean)),
  };
}

/** What the hypervisor was booted with, in its words; empty where the text does not say. */
export function parseCommandLine(text: string): string {
  return fieldsOf(text).get("xen_commandline") ?? "";
}

function fieldsOf(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^(\w+)\s*: (.*)$/.exec(line);
    if (match?.[1]) fields.set(match[1], match[2]?.trim() ?? "");
  }
  return fields;
}
