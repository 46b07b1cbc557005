/** `xl list -l`: the settings that domains really run with, as JSON without any state. */
import { z } from "zod";

/** A domain's settings as the toolstack has them now, whatever its file says. */
export interface RunningDomain {
  readonly name: string;
  readonly uuid: string;
  readonly type: string;
  readonly kernel: string;
  readonly ramdisk: string;
  readonly cmdline: string;
  readonly vcpus: number;
  /** The most it may have. */
  readonly maxMemoryKiB: number;
  /** What it is asked to keep to at the moment. */
  readonly targetMemoryKiB: number;
  readonly nics: readonly { readonly mac: string; readonly bridge: string }[];
  readonly disks: readonly { readonly vdev: string; readonly target: string }[];
  /** As `0000:00:10.0`. */
  readonly pci: readonly string[];
  readonly onCrash: string;
}

/** xl leaves out what has its default: a missing text is empty, a missing number zero. */
const text = z.string().default("");
const number = z.number().default(0);

/** A PCI address without its zero parts; `dev` is decimal. */
const PCI = z.object({ domain: number, bus: number, dev: number, func: number });

const DOMAIN = z.object({
  c_info: z.object({ type: text, name: text, uuid: text }),
  b_info: z.object({
    max_vcpus: z.number().default(1),
    max_memkb: number,
    target_memkb: number,
    kernel: text,
    ramdisk: text,
    cmdline: text,
  }),
  disks: z.array(z.object({ vdev: text, pdev_path: text })).default([]),
  nics: z.array(z.object({ mac: text, bridge: text })).default([]),
  pcidevs: z.array(PCI).default([]),
  on_crash: text,
});

const LIST = z.array(z.object({ domid: number, config: z.unknown() }));

/**
 * Every domain but dom0, by domid. A domain that xl is only just making may have
 * settings that are not whole: it is left out. Throws a SyntaxError where the
 * text is no JSON.
 */
export function parseDomains(json: string): ReadonlyMap<number, RunningDomain> {
  const domains = new Map<number, RunningDomain>();
  for (const { domid, config } of LIST.parse(JSON.parse(json))) {
    const parsed = DOMAIN.safeParse(config);
    if (domid !== 0 && parsed.success) domains.set(domid, asRunning(parsed.data));
  }
  return domains;
}

function asRunning(config: z.infer<typeof DOMAIN>): RunningDomain {
  const { c_info: made, b_info: built } = config;
  return {
    name: made.name,
    uuid: made.uuid,
    type: made.type,
    kernel: built.kernel,
    ramdisk: built.ramdisk,
    cmdline: built.cmdline,
    vcpus: built.max_vcpus,
    maxMemoryKiB: built.max_memkb,
    targetMemoryKiB: built.target_memkb,
    nics: config.nics.map(({ mac, bridge }) => ({ mac, bridge })),
    disks: config.disks.map(({ vdev, pdev_path }) => ({ vdev, target: pdev_path })),
    pci: config.pcidevs.map(pciAddress),
    onCrash: config.on_crash,
  };
}

function pciAddress({ domain, bus, dev, func }: z.infer<typeof PCI>): string {
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");
  return `${hex(domain, 4)}:${hex(bus, 2)}:${hex(dev, 2)}.${func}`;
}
