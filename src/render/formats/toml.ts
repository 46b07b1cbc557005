/** TOML 1.0 as far as containerd needs it: tables of strings, numbers, booleans and lists of them. */
import { refuse } from "../refuse.ts";

export type TomlValue = string | number | boolean | readonly TomlValue[] | TomlTable;
export interface TomlTable {
  readonly [key: string]: TomlValue;
}

/** The document's text, each table under its own header; RENDER_BAD_NUMBER for what TOML integers can't hold. */
export function emitToml(document: TomlTable): string {
  return `${emitTable(document, []).join("\n")}\n`;
}

function emitTable(table: TomlTable, path: readonly string[]): string[] {
  const values = Object.entries(table).filter(([, value]) => !isTable(value));
  const tables = Object.entries(table).filter((entry): entry is [string, TomlTable] => isTable(entry[1]));
  // A table that holds only tables needs no header of its own.
  const header = path.length > 0 && (values.length > 0 || tables.length === 0);
  return [
    ...(header ? ["", `[${path.map(emitKey).join(".")}]`] : []),
    ...values.map(emitPair),
    ...tables.flatMap(([key, inner]) => emitTable(inner, [...path, key])),
  ];
}

function isTable(value: TomlValue): value is TomlTable {
  return typeof value === "object" && !Array.isArray(value);
}

function emitKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : emitString(key);
}

function emitScalar(value: TomlValue): string {
  if (typeof value === "string") return emitString(value);
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number") return emitInteger(value);
  if (isTable(value)) return `{ ${Object.entries(value).map(emitPair).join(", ")} }`;
  return `[${value.map(emitScalar).join(", ")}]`;
}

function emitPair([key, value]: [string, TomlValue]): string {
  return `${emitKey(key)} = ${emitScalar(value)}`;
}

function emitInteger(value: number): string {
  if (Number.isSafeInteger(value)) return String(value);
  throw refuse("RENDER_BAD_NUMBER", `${value} is no whole number`, "give a whole number", "TOML");
}

/** JSON's escapes are TOML's too; JSON lets DEL through, which TOML does not. */
function emitString(text: string): string {
  return JSON.stringify(text).replaceAll("\u007f", "\\u007f");
}
