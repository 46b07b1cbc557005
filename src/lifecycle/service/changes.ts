/** What differs between two values, for people: as deep as it can be told. */
import { stableJson } from "#base/hash.ts";
import { isObject } from "#control/federation/json.ts";
import { escapeKey } from "#control/federation/place/json-patch.ts";

export interface FieldChange {
  /** A JSON pointer. */
  readonly path: string;
  /** Undefined where it was not there. */
  readonly before: unknown;
  /** Undefined where it is not there any more. */
  readonly after: unknown;
}

/** Objects are compared key by key; lists place by place, where they are equally long. */
export function fieldChanges(before: unknown, after: unknown, path = ""): readonly FieldChange[] {
  if (stableJson(before ?? null) === stableJson(after ?? null)) return [];
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length)
    return before.flatMap((one, index) => fieldChanges(one, after[index], `${path}/${index}`));
  if (!isObject(before) || !isObject(after)) return [{ path, before, after }];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
  return keys.flatMap((key) => fieldChanges(before[key], after[key], `${path}/${escapeKey(key)}`));
}
