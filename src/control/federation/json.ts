/** Values as the Kubernetes API carries them, and the little arithmetic on them that the federation needs. */
import type { KubeObject } from "#ports/kube.ts";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}
export type Draft = null | boolean | number | string | Draft[] | DraftObject;
/** A copy of our own that may be changed. */
export interface DraftObject {
  [key: string]: Draft;
}

export function isObject(value: unknown): value is JsonObject {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** A deep copy that may be changed. */
export function draftOf(value: JsonObject | KubeObject): DraftObject {
  return structuredClone(value) as DraftObject;
}

/** The value below these keys, or undefined where one of them leads nowhere. */
export function at(value: unknown, ...keys: readonly string[]): unknown {
  let here = value;
  for (const key of keys) {
    if (!isObject(here) || !Object.hasOwn(here, key)) return undefined;
    here = here[key];
  }
  return here;
}

/** The object below these keys, made where it is missing or is none. */
export function objectAt(draft: DraftObject, ...keys: readonly string[]): DraftObject {
  let here = draft;
  for (const key of keys) {
    const next = Object.hasOwn(here, key) ? here[key] : undefined;
    if (isObject(next)) here = next;
    else here = put(here, key, {}) as DraftObject;
  }
  return here;
}

/** Sets a key as data even where it is `__proto__`. */
export function put(draft: DraftObject, key: string, value: Draft): Draft {
  Object.defineProperty(draft, key, { value, writable: true, enumerable: true, configurable: true });
  return value;
}
