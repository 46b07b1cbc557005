/** A file in which parts are unknown because they were refused: what the cross-checks work on. */
import type { Path } from "./mistakes.ts";

/** `T` with any part possibly unknown. */
export type Draft<T> = T extends string | number | boolean | undefined
  ? T | undefined
  : T extends readonly (infer E)[]
    ? readonly Draft<E>[] | undefined
    : { readonly [K in keyof T]?: Draft<T[K]> } | undefined;

/**
 * The value without its refused parts: each is set to undefined, so that its key
 * is still there. A key that is there with nothing in it is unknown; a key that
 * is absent was not given, and has its default.
 */
export function withoutRefused(value: unknown, refused: readonly Path[]): unknown {
  if (refused.some((path) => path.length === 0)) return undefined;
  const copy = structuredClone(value);
  for (const path of refused) setUnknown(copy, path);
  return copy;
}

function setUnknown(root: unknown, path: Path): void {
  let parent = root;
  for (const part of path.slice(0, -1))
    parent = (parent as Record<string | number, unknown> | undefined)?.[part];
  const last = path.at(-1);
  if (last !== undefined && typeof parent === "object" && parent !== null) {
    Object.defineProperty(parent, last, {
      value: undefined,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
}

/** The value of a key; the default only where the key is absent. */
export function orDefault<T extends object, K extends keyof T, D>(object: T, key: K, fallback: D): T[K] | D {
  return Object.hasOwn(object, key) ? object[key] : fallback;
}
