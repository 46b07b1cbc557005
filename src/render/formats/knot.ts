/** Knot DNS's configuration: sections of items, each a block of keys (knot.conf(5), a small part of YAML). */
import { plainText, word } from "../refuse.ts";

export interface KnotSection {
  readonly name: string;
  /** One block where the section has no list, as `server`. */
  readonly items: readonly KnotItem[];
  readonly list: boolean;
}

export type KnotItem = readonly (readonly [key: string, value: KnotValue])[];

export type KnotValue = string | number | boolean | readonly string[];

const KEY = /^[a-z][a-z0-9-]*$/;

/** The text of knot.conf; RENDER_BAD_CHARACTER for what no quoting can carry. @param include files read before all else */
export function emitKnot(include: readonly string[], sections: readonly KnotSection[]): string {
  const files = include.map((path) => `include: ${quoted(path)}\n`);
  return [...files, ...sections.map(emitSection)].join("\n");
}

function emitSection({ name, items, list }: KnotSection): string {
  const blocks = items.flatMap((item) =>
    item.map(([key, value], index) => {
      const margin = list ? (index === 0 ? "  - " : "    ") : "    ";
      return `${margin}${word(key, "knot.conf", KEY)}: ${emitValue(value)}`;
    }),
  );
  return `${[`${word(name, "knot.conf", KEY)}:`, ...blocks].join("\n")}\n`;
}

function emitValue(value: KnotValue): string {
  if (typeof value === "boolean") return value ? "on" : "off";
  if (typeof value === "number") return String(value);
  return typeof value === "string" ? quoted(value) : `[ ${value.map(quoted).join(", ")} ]`;
}

function quoted(text: string): string {
  return `"${plainText(text, "knot.conf", '"\\')}"`;
}
