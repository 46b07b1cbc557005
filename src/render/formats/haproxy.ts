/** HAProxy's configuration: sections of lines, each line a list of words (haproxy.cfg, "2.2 Quoting and escaping"). */
import { plainText, word } from "../refuse.ts";

export interface HaproxySection {
  readonly kind: "global" | "defaults" | "frontend" | "backend";
  /** None for `global`. */
  readonly name?: string;
  readonly comment?: string;
  readonly lines: readonly HaproxyLine[];
}

/** One statement: its words, each quoted where it must be. */
export type HaproxyLine = readonly (string | number)[];

const BARE = /^[A-Za-z0-9_.,:;/@%^&*+=<>!?|~(){}[\]-]+$/;
const SECTION_NAME = /^[A-Za-z0-9_.:-]+$/;

/** The text of haproxy.cfg; RENDER_BAD_CHARACTER for what no quoting can carry. */
export function emitHaproxy(sections: readonly HaproxySection[]): string {
  return sections.map(emitSection).join("\n");
}

function emitSection(section: HaproxySection): string {
  const name = section.name === undefined ? "" : ` ${word(section.name, "haproxy.cfg", SECTION_NAME)}`;
  const comment = section.comment === undefined ? [] : [`    # ${plainText(section.comment, "haproxy.cfg")}`];
  const lines = section.lines.map((line) => `    ${line.map(emitWord).join(" ")}`);
  return `${[`${section.kind}${name}`, ...comment, ...lines].join("\n")}\n`;
}

/** Strong quotes keep every character as it is; the one they can't carry is their own. */
function emitWord(value: string | number): string {
  const text = String(value);
  return BARE.test(text) ? text : `'${plainText(text, "haproxy.cfg", "'")}'`;
}
