import { nameUuid, sha256 } from "#base/hash.ts";

/** Xen's own MAC prefix (OUI 00:16:3e). */
const PREFIX = "00:16:3e";

/** A machine's UUID follows from its name alone. */
export function machineUuid(federation: string, machine: string): string {
  return nameUuid(`${federation}/${machine}`);
}

/**
 * A MAC for each machine: the one in `kept`, else one that follows from its
 * name. Where two names give the same, the later one in `machines` takes its next.
 */
export function allotMacs(
  federation: string,
  machines: readonly string[],
  kept: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const macs = new Map<string, string>();
  for (const machine of machines) {
    const mac = kept.get(machine);
    if (mac !== undefined) macs.set(machine, mac);
  }
  const used = new Set(macs.values());
  for (const machine of machines) {
    if (macs.has(machine)) continue;
    let attempt = 0;
    while (used.has(macOf(federation, machine, attempt))) attempt += 1;
    const mac = macOf(federation, machine, attempt);
    used.add(mac);
    macs.set(machine, mac);
  }
  return macs;
}

/** The `attempt`th MAC (from 0) that the name gives. */
export function macOf(federation: string, machine: string, attempt: number): string {
  const hex = sha256(`panopticon/mac/${federation}/${machine}/${attempt}`);
  return [PREFIX, hex.slice(0, 2), hex.slice(2, 4), hex.slice(4, 6)].join(":");
}
