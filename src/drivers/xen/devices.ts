/** The server's PCI devices, and those that dom0 itself stands on. */

export interface PciDevice {
  /** As `0000:00:10.0`. */
  readonly address: string;
  /** Class, as `0200` for an Ethernet card. */
  readonly kind: string;
  /** Vendor and device, as `8086:10d3`. */
  readonly model: string;
}

/** `lspci -Dn`. */
export function parseDevices(text: string): readonly PciDevice[] {
  return text.split("\n").flatMap((line) => {
    const match =
      /^([0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) ([0-9a-f]{4}): ([0-9a-f]{4}:[0-9a-f]{4})/.exec(line);
    const [, address, kind, model] = match ?? [];
    return address && kind && model ? [{ address, kind, model }] : [];
  });
}

/** A device that dom0 would miss, and for what. */
export interface NeededDevice {
  readonly address: string;
  /** In words: `the disk vda, which dom0 uses`. */
  readonly why: string;
}

/**
 * Lines `disk NAME PATH` and `nic NAME PATH` with the real path in /sys: every
 * PCI device on the way there, bridges too, is needed.
 */
export function parseNeeded(text: string): readonly NeededDevice[] {
  return text.split("\n").flatMap((line) => {
    const [kind, name, path = ""] = line.split(" ");
    const why = kind === "disk" ? `the disk ${name}, which dom0 uses` : `${name}, a network card of dom0's`;
    const addresses = path.match(/[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]/g) ?? [];
    return addresses.map((address) => ({ address, why }));
  });
}
