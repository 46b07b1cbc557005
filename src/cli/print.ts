/**
 * The command line: one file per command. This room prints; no other does.
 * Results go to standard output, everything else to standard error, so that
 * `-o json` can be piped while progress and errors stay visible.
 */
import { styleText } from "node:util";
import { stableJson } from "#base/hash.ts";

/** How a result is shown; `json` has sorted keys and keeps its field names. */
export type Output = "text" | "json";

type Colour = "green" | "yellow" | "red" | "bold" | "dim";

/** Writes lines of a result to standard output. */
export function print(...lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}

/** Writes lines for the person to standard error. */
export function say(...lines: readonly string[]): void {
  for (const line of lines) process.stderr.write(`${line}\n`);
}

/** Shows a result: the value as JSON, or the lines made from it. */
export function show<Value>(output: Output, value: Value, lines: (value: Value) => readonly string[]): void {
  if (output === "json") print(stableJson(value, 2));
  else print(...lines(value));
}

/** Colours a word on a terminal that wants colours; the word alone must say everything. */
export function colour(name: Colour, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return stream.isTTY && !process.env["NO_COLOR"] ? styleText(name, text, { validateStream: false }) : text;
}

/**
 * Rows in columns that line up, the first row being the headings. A cell's
 * colour codes don't count; the last column is not padded.
 */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => visibleLength(row[column] ?? ""))),
  );
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => pad(cell, column < cells.length - 1 ? (widths[column] ?? 0) : 0)).join("  ");
  return [colour("bold", line(headings).trimEnd()), ...rows.map((row) => line(row).trimEnd())];
}

/** "1 site", "2 sites". */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function pad(cell: string, width: number): string {
  return cell + " ".repeat(Math.max(0, width - visibleLength(cell)));
}

function visibleLength(text: string): number {
  return text.replace(COLOUR_CODES, "").length;
}

const COLOUR_CODES = new RegExp(String.raw`${String.fromCodePoint(27)}\[\d+m`, "g");
