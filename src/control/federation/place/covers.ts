/** Whether what is there has all that is wanted, whatever else it has. */
import { isObject } from "../json.ts";

/** What tells the entries of an API's keyed lists apart, in the order in which it is tried. */
const LIST_KEYS: readonly (readonly string[])[] = [
  ["name"],
  ["containerPort", "protocol"],
  ["port", "protocol"],
  ["mountPath"],
  ["devicePath"],
  ["ip"],
  ["type"],
  ["key"],
  ["uid"],
  ["topologyKey", "whenUnsatisfiable"],
];

/** What an API leaves out when it writes a value that means nothing. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && Object.values(value).every(isEmpty);
}

/**
 * True only where every field that is wanted is there with the same value: in
 * objects field by field, in lists of named things thing by thing, in other
 * lists place by place with nothing more. It may say false where the API means
 * the same by two spellings; then applying it changes nothing.
 */
export function covers(there: unknown, wanted: unknown): boolean {
  if (there === undefined || there === null) return isEmpty(wanted);
  if (Array.isArray(wanted)) return Array.isArray(there) && coversList(there, wanted);
  if (isObject(wanted)) {
    if (!isObject(there)) return false;
    return Object.entries(wanted).every(([key, value]) =>
      covers(Object.hasOwn(there, key) ? there[key] : undefined, value),
    );
  }
  return there === wanted || (wanted === null && isEmpty(there));
}

function coversList(there: readonly unknown[], wanted: readonly unknown[]): boolean {
  const keys = LIST_KEYS.find((keys) => isKeyed(wanted, keys) && isKeyed(there, keys));
  if (!keys || wanted.length === 0) {
    return there.length === wanted.length && wanted.every((value, index) => covers(there[index], value));
  }
  const byKey = new Map(there.map((entry) => [keyOf(entry, keys), entry]));
  return wanted.every((entry) => {
    const found = byKey.get(keyOf(entry, keys));
    return found !== undefined && covers(found, entry);
  });
}

/** Whether the entries are objects with keys of their own; all but the first part of a key has a default. */
function isKeyed(entries: readonly unknown[], keys: readonly string[]): boolean {
  const found = entries.map((entry) => keyOf(entry, keys));
  return found.every((key) => key !== undefined) && new Set(found).size === found.length;
}

function keyOf(entry: unknown, keys: readonly string[]): string | undefined {
  if (!isObject(entry) || entry[keys[0] ?? ""] === undefined) return undefined;
  return keys.map((key) => `${(entry[key] as string | number | undefined) ?? DEFAULTS[key] ?? ""}`).join(" ");
}

const DEFAULTS: Readonly<Record<string, string>> = { protocol: "TCP", whenUnsatisfiable: "DoNotSchedule" };
