/** What a site has to tell the hub, in the order in which it came up, so much at once as one report holds. */
import { MOST_TOLD, MOST_TOLD_BYTES, type Told } from "../api/site-report.ts";

export interface Untold {
  get(id: string): Told | undefined;
  set(id: string, told: Told): void;
  /** Whether it was there. */
  delete(id: string): boolean;
  /** What the next report holds: the oldest, at least one where there are any. */
  next(): readonly Told[];
  /** Whether the last report held all of these. */
  isSent(entries: readonly Told[]): boolean;
  sent(entries: readonly Told[]): void;
  /** Whether there is more than the last report held. */
  readonly isCrowded: boolean;
}

export function openUntold(): Untold {
  const untold = new Map<string, Told>();
  let held: ReadonlySet<Told> = new Set();
  return {
    get: (id) => untold.get(id),
    set: (id, told) => void untold.set(id, told),
    delete: (id) => untold.delete(id),
    next() {
      const entries: Told[] = [];
      let bytes = 0;
      for (const told of untold.values()) {
        bytes += JSON.stringify(told).length;
        if (entries.length > 0 && (bytes > MOST_TOLD_BYTES || entries.length >= MOST_TOLD)) break;
        entries.push(told);
      }
      return entries;
    },
    isSent: (entries) => entries.every((told) => held.has(told)),
    sent: (entries) => void (held = new Set(entries)),
    get isCrowded() {
      for (const told of untold.values()) if (!held.has(told)) return true;
      return false;
    },
  };
}
