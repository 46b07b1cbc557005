/** What the shape check (zod) finds, said in words a person can act on. */
import type { z } from "zod";
import { type Mistake, type ModelCode, type Path, pathText, quote } from "./mistakes.ts";
import { nearest } from "./nearest.ts";
import { type JsonSchema, schemaAt } from "./schema.ts";

type Issue = z.core.$ZodIssue;

/** One mistake or more for an issue; `root` is the value that was checked, `shape` what it should be. */
export function shapeMistakes(issue: Issue, root: unknown, shape: JsonSchema): Mistake[] {
  const path = issue.path as Path;
  const value = valueAt(root, path);
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey([...path, key], shape));
  if (issue.code === "invalid_union") return unionMistakes(issue, path, root, shape);
  if (value === undefined) return [missingKey(path, shape)];
  if (issue.code === "custom") {
    const { code, hint } = issue.params as { code: ModelCode; hint: string };
    return [{ code, message: issue.message, hint, path }];
  }
  if (issue.code === "invalid_value") return [wrongValue(path, value, issue.values.map(String))];
  if (issue.code === "too_small")
    return [outOfRange(path, value, issue.origin, "at least", Number(issue.minimum))];
  if (issue.code === "too_big")
    return [outOfRange(path, value, issue.origin, "at most", Number(issue.maximum))];
  return [wrongType(path, value, shape)];
}

function unknownKey(path: Path, shape: JsonSchema): Mistake {
  const key = String(path.at(-1));
  const keys = Object.keys(schemaAt(path.slice(0, -1), shape)?.properties ?? {});
  const near = nearest(key, keys);
  const hint = near ? `did you mean ${near}?` : `keys here are: ${keys.join(", ")}`;
  return {
    code: "MODEL_UNKNOWN_KEY",
    message: `there is no key ${quote(key)}${inside(path)}`,
    hint,
    path,
    spot: "key",
    ...(near && { meant: [...path.slice(0, -1), near] }),
  };
}

/** The key that must be at `path` is not: points at the mapping it should be in. */
export function missingKey(path: Path, shape?: JsonSchema): Mistake {
  const key = String(path.at(-1));
  const schema = schemaAt(path, shape);
  const example = schema?.const ?? schema?.examples?.[0] ?? schema?.enum?.[0];
  const what = schema?.description?.split(/[.;:]/)[0];
  const line = example === undefined ? key : `${key}: ${example}`;
  const hint = `add ${line}${what ? ` (${what.charAt(0).toLowerCase()}${what.slice(1)})` : ""}`;
  return { code: "MODEL_MISSING_KEY", message: `${key} is missing${inside(path)}`, hint, path };
}

function wrongValue(path: Path, value: unknown, possible: readonly string[]): Mistake {
  const near = typeof value === "string" ? nearest(value, possible) : undefined;
  const list = possible.join(", ");
  const hint =
    possible.length === 1 ? `write ${list}` : near ? `did you mean ${near}?` : `write one of: ${list}`;
  return { code: "MODEL_WRONG_VALUE", message: `${nameOf(path)} cannot be ${quote(value)}`, hint, path };
}

function outOfRange(
  path: Path,
  value: unknown,
  origin: string,
  bound: "at least" | "at most",
  limit: number,
): Mistake {
  const unit =
    origin === "array" ? ` ${limit === 1 ? "entry" : "entries"}` : origin === "string" ? " characters" : "";
  const size = Array.isArray(value) ? `has ${value.length} entries` : `is ${quote(value)}`;
  return {
    code: "MODEL_OUT_OF_RANGE",
    message: `${nameOf(path)} ${size}`,
    hint: `write ${bound} ${limit}${unit}`,
    path,
  };
}

/** The mistakes of the branch that the value was meant to be: a list's where it is a list. */
function unionMistakes(
  issue: Extract<Issue, { code: "invalid_union" }>,
  path: Path,
  root: unknown,
  shape: JsonSchema,
): Mistake[] {
  const meant = issue.errors.find(
    (branch) => !branch.some((inner) => inner.path.length === 0 && inner.code === "invalid_type"),
  );
  if (!meant) return [wrongType(path, valueAt(root, path), shape)];
  return meant.flatMap((inner) => shapeMistakes({ ...inner, path: [...path, ...inner.path] }, root, shape));
}

function wrongType(path: Path, value: unknown, shape: JsonSchema): Mistake {
  const schema = schemaAt(path, shape);
  const wanted = typeName(schema);
  if (value === null) {
    return {
      code: "MODEL_WRONG_TYPE",
      message: `${nameOf(path)} has no value`,
      hint: `write ${wanted}, or remove the line`,
      path,
    };
  }
  const hint = typeHint(schema, value, wanted);
  return {
    code: "MODEL_WRONG_TYPE",
    message: `${nameOf(path)} is ${typed(value)}, not ${wanted}`,
    hint,
    path,
  };
}

function typeHint(schema: JsonSchema | undefined, value: unknown, wanted: string): string {
  const numeric = schema?.type === "integer" || schema?.type === "number";
  if (numeric && typeof value === "string" && /^[0-9]+$/.test(value))
    return `write ${Number(value)} without quotes`;
  if (schema?.type === "string" && !schema.pattern && typeof value === "number")
    return `write "${value}" in quotes, as it is meant to read`;
  if (schema?.type === "array" && typeof value !== "object") return `write it as a list: [${quote(value)}]`;
  const example = schema?.examples?.[0] ?? schema?.default;
  return example === undefined ? `write ${wanted}` : `write ${wanted}, such as ${example}`;
}

/** `text`, `a whole number` and so on. */
export function typeName(schema: JsonSchema | undefined): string {
  if (schema?.anyOf) return schema.anyOf.map(typeName).join(" or ");
  return TYPE_NAMES[schema?.type ?? ""] ?? "text";
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  array: "a list",
  object: "a mapping",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
};

function typed(value: unknown): string {
  if (typeof value === "string") return `the text ${quote(value)}`;
  return typeof value === "number" ? `the number ${value}` : quote(value);
}

function nameOf(path: Path): string {
  return path.length === 0 ? "the file" : pathText(path.slice(typeof path.at(-1) === "number" ? -2 : -1));
}

function inside(path: Path): string {
  const parent = pathText(path.slice(0, -1));
  return parent === "" ? "" : ` in ${parent}`;
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, part)
        ? value[part as keyof typeof value]
        : undefined,
    root,
  );
}
