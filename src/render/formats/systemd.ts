/** systemd's files (units, drop-ins, .network): sections of `Key=value` (systemd.syntax(7)). */
import { plainText, word } from "../refuse.ts";

export interface SystemdSection {
  readonly name: string;
  readonly comment?: string;
  readonly entries: readonly SystemdEntry[];
}

/** A key and its value: plain text, or a command line of words. A key may come again. */
export type SystemdEntry = readonly [key: string, value: string | number | boolean | SystemdCommand];

/** A command line; an empty one takes back what a drop-in overrides. */
export interface SystemdCommand {
  readonly argv: readonly (string | SystemdVariable)[];
}

/** An environment variable of the unit, split at spaces into words. */
export interface SystemdVariable {
  readonly variable: string;
}

const KEY = /^[A-Za-z][A-Za-z0-9-]*$/;
const SECTION = /^[A-Za-z0-9]+$/;
const VARIABLE = /^[A-Z_][A-Z0-9_]*$/;

/** The file's text; RENDER_BAD_CHARACTER for line breaks and other control characters. */
export function emitSystemd(sections: readonly SystemdSection[]): string {
  return sections.map(emitSection).join("\n");
}

function emitSection(section: SystemdSection): string {
  const comment = section.comment === undefined ? [] : [`# ${plainText(section.comment, "systemd")}`];
  const entries = section.entries.map(([key, value]) => `${word(key, "systemd", KEY)}=${emitValue(value)}`);
  return `${[...comment, `[${word(section.name, "systemd", SECTION)}]`, ...entries].join("\n")}\n`;
}

function emitValue(value: SystemdEntry[1]): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return String(value);
  if (typeof value === "object") return value.argv.map(emitArgument).join(" ");
  // A backslash at a line's end joins lines and `%` begins a specifier.
  return plainText(value, "systemd", "\\").replaceAll("%", "%%");
}

function emitArgument(argument: string | SystemdVariable): string {
  if (typeof argument === "object") return `$${word(argument.variable, "systemd", VARIABLE)}`;
  const escaped = plainText(argument, "systemd")
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll("%", "%%")
    .replaceAll("$", "$$$$");
  return /^[A-Za-z0-9_./:=@,%+-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}
