/**
 * From answers to records. A name that exists hides the wildcard beside it, and
 * so does every name between it and the zone; so each of them gets the answers
 * that it had by the wildcard, and a wildcard of its own.
 */
import type { NameChanges, RecordSet } from "#ports/names.ts";
import { STEERED_TTL } from "#render/ecam/zone.ts";

/** All records that steering wants. @param answers of services, by name */
export function wantedRecords(
  domain: string,
  all: readonly string[],
  answers: ReadonlyMap<string, readonly string[]>,
): readonly RecordSet[] {
  const explicit = new Map<string, readonly string[]>([[domain, all]]);
  const byDepth = [...answers].sort(
    ([left], [right]) => depth(left) - depth(right) || (left < right ? -1 : 1),
  );
  for (const [name, answer] of byDepth) {
    const without = explicit.get(name) ?? inherited(explicit, name);
    if (!sameValues(without, answer)) {
      for (const between of above(name, domain))
        if (!explicit.has(between)) explicit.set(between, inherited(explicit, between));
      explicit.set(name, answer);
    }
  }
  return [...explicit].flatMap(([name, values]) =>
    [name, `*.${name}`].map((one) => ({ name: one, type: "A" as const, ttl: STEERED_TTL, values })),
  );
}

/** What makes the records that are there the wanted ones; records that are not steering's stay as they are. */
export function changesTo(wanted: readonly RecordSet[], present: readonly RecordSet[]): NameChanges {
  const ours = present.filter(isSteered);
  const names = new Set(wanted.map(({ name }) => name));
  const known = new Map(ours.map((set) => [set.name, set]));
  return {
    replace: wanted.filter(({ name, values }) => !sameValues(known.get(name)?.values, values)),
    remove: ours.filter(({ name }) => !names.has(name)).map(({ name, type }) => ({ name, type })),
  };
}

/** By its lifetime: everything else in the zone lives longer. */
export function isSteered({ type, ttl }: RecordSet): boolean {
  return type === "A" && ttl === STEERED_TTL;
}

/** The answer a name has by the wildcard of the nearest name above it that exists. */
function inherited(explicit: ReadonlyMap<string, readonly string[]>, name: string): readonly string[] {
  for (let parent = parentOf(name); parent !== ""; parent = parentOf(parent)) {
    const answer = explicit.get(parent);
    if (answer) return answer;
  }
  return [];
}

/** The names between a name and its zone, the highest first. */
function above(name: string, domain: string): readonly string[] {
  const names: string[] = [];
  for (let parent = parentOf(name); parent !== domain && parent !== ""; parent = parentOf(parent))
    names.unshift(parent);
  return names;
}

function parentOf(name: string): string {
  const dot = name.indexOf(".");
  return dot < 0 ? "" : name.slice(dot + 1);
}

function depth(name: string): number {
  return name.split(".").length;
}

/** The same values in whatever order. */
export function sameValues(left: readonly string[] | undefined, right: readonly string[]): boolean {
  return left?.length === right.length && right.every((value) => left.includes(value));
}
