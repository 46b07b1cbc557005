/** What was served before this process began, read from a name server: a takeover must not forget what was decided. */
import type { RecordSet } from "#ports/names.ts";
import { isSteered } from "./records.ts";
import type { Place, Served } from "./steering.ts";

/**
 * By name. Addresses that are missing are taken as just withdrawn: why and when
 * they were is not known, and a hold too many costs less than one too few.
 */
export function servedBefore(
  records: readonly RecordSet[],
  name: string,
  places: readonly Place[],
  nowMs: number,
): Served | undefined {
  const set = records.find((one) => one.name === name && isSteered(one));
  const answer = places.filter(({ address }) => set?.values.includes(address));
  if (answer.length === 0) return undefined;
  const missing = places.filter((place) => !answer.includes(place));
  const holds = missing.map(({ address }) => [address, { lastDownMs: nowMs, falls: 1 }] as const);
  return { answer: answer.map(({ address }) => address), holds: Object.fromEntries(holds) };
}
