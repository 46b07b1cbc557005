/**
 * xl.cfg(5): `key = value` lines in a syntax like Python's. A value is a number,
 * a string or a list of strings; some strings are specifications of their own,
 * `key=value` pairs with commas between them (xl-disk-configuration(5),
 * xl-network-configuration(5)).
 */
import { plainText, word } from "../refuse.ts";

export type XlValue = string | number | readonly string[];

/** One setting; those without a value are left out. */
export type XlEntry = readonly [key: string, value: XlValue | undefined];

/** The text of a configuration file. */
export function emitXl(entries: readonly XlEntry[]): string {
  const lines = entries.flatMap(([key, value]) =>
    value === undefined ? [] : [`${word(key, "xl", /^[a-z][a-z0-9_]*$/)} = ${emitValue(value)}`],
  );
  return `${lines.join("\n")}\n`;
}

function emitValue(value: XlValue): string {
  if (typeof value === "number") return emitNumber(value);
  if (typeof value === "string") return quote(value);
  return `[${value.map(quote).join(", ")}]`;
}

/** xl reads whole numbers only, and a leading zero as octal. */
function emitNumber(value: number): string {
  return word(String(value), "xl", /^(0|[1-9][0-9]*)$/);
}

/** In double quotes xl knows the backslash's escapes (libxlu_cfg.c, xlu__cfgl_dequote). */
function quote(text: string): string {
  return `"${plainText(text, "xl").replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

/**
 * A specification: its pairs, then, where given, the one value that takes the
 * rest of the text and may have commas in it (a disk's target).
 */
export function xlSpecification(
  pairs: readonly (readonly [key: string, value: string])[],
  rest?: readonly [key: string, value: string],
): string {
  const parts = pairs.map(([key, value]) => `${key}=${word(value, "xl", /^[A-Za-z0-9_.:/-]+$/)}`);
  if (rest) parts.push(`${rest[0]}=${plainText(rest[1], "xl")}`);
  return parts.join(",");
}
