/** JSON patches (RFC 6902) as far as overrides use them: add, remove, replace. */
import { type Draft, type DraftObject, isObject, put } from "../json.ts";

export interface PatchStep {
  readonly op: "add" | "remove" | "replace";
  /** JSON pointer (RFC 6901). */
  readonly path: string;
  /** Needed by add and replace. */
  readonly value?: unknown;
}

/** Changes the draft; gives in words why a step can't be made, and then has changed nothing. */
export function patchStep(draft: DraftObject, step: PatchStep): string | undefined {
  if (!step.path.startsWith("/")) return `path "${step.path}" does not begin with /`;
  if (/~(?![01])/.test(step.path)) return `path "${step.path}" has a ~ that is neither ~0 nor ~1`;
  if (step.op !== "remove" && step.value === undefined) return `${step.op} needs a value`;
  const keys = pointerKeys(step.path);
  let holder: Draft = draft;
  for (const [depth, key] of keys.slice(0, -1).entries()) {
    const next = child(holder, key);
    if (next === undefined)
      return `there is no /${keys
        .slice(0, depth + 1)
        .map(escapeKey)
        .join("/")}`;
    holder = next;
  }
  return changeIn(holder, keys.at(-1) ?? "", step);
}

/** The keys that a pointer names, unescaped. */
export function pointerKeys(path: string): readonly string[] {
  return path
    .split("/")
    .slice(1)
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** A key as it stands in a pointer. */
export function escapeKey(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}

function child(holder: Draft, key: string): Draft | undefined {
  if (Array.isArray(holder)) return /^(0|[1-9][0-9]*)$/.test(key) ? holder[Number(key)] : undefined;
  return isObject(holder) && Object.hasOwn(holder, key) ? holder[key] : undefined;
}

function changeIn(holder: Draft, key: string, step: PatchStep): string | undefined {
  const value = structuredClone(step.value) as Draft;
  if (Array.isArray(holder)) return changeInList(holder, key, step.op, value);
  if (!isObject(holder)) return `"${key}" is looked for in something that is neither object nor list`;
  if (step.op !== "add" && !Object.hasOwn(holder, key)) return `there is no "${key}" to ${step.op}`;
  if (step.op === "remove") delete holder[key];
  else put(holder, key, value);
  return undefined;
}

function changeInList(holder: Draft[], key: string, op: PatchStep["op"], value: Draft): string | undefined {
  if (key === "-" && op === "add") return void holder.push(value);
  if (!/^(0|[1-9][0-9]*)$/.test(key)) return `"${key}" is no index of a list`;
  const index = Number(key);
  const last = op === "add" ? holder.length : holder.length - 1;
  if (index > last) return `index ${index} is beyond a list of ${holder.length}`;
  holder.splice(index, op === "add" ? 0 : 1, ...(op === "remove" ? [] : [value]));
  return undefined;
}
