/** Keepalived's configuration: statements and blocks of statements in braces. */
import { plainText } from "../refuse.ts";

/** `["interval", 1]` is a line; with `block` the line opens braces. */
export interface KeepalivedBlock {
  readonly words: readonly (string | number)[];
  readonly comment?: string;
  readonly block: readonly KeepalivedStatement[];
}

export type KeepalivedStatement = readonly (string | number)[] | KeepalivedBlock;

const BARE = /^[A-Za-z0-9_./:+-]+$/;

/** The text of keepalived.conf; RENDER_BAD_CHARACTER for what its quotes can't carry. */
export function emitKeepalived(blocks: readonly KeepalivedBlock[]): string {
  return `${blocks.map((block) => emitStatement(block, "").join("\n")).join("\n\n")}\n`;
}

function emitStatement(statement: KeepalivedStatement, indent: string): string[] {
  if (!("block" in statement)) return [`${indent}${statement.map(emitWord).join(" ")}`];
  const comment =
    statement.comment === undefined ? [] : [`${indent}# ${plainText(statement.comment, "keepalived.conf")}`];
  return [
    ...comment,
    `${indent}${statement.words.map(emitWord).join(" ")} {`,
    ...statement.block.flatMap((inner) => emitStatement(inner, `${indent}    `)),
    `${indent}}`,
  ];
}

/** In double quotes Keepalived still reads `$` definitions, `~` lists and escapes. */
function emitWord(value: string | number): string {
  const text = String(value);
  return BARE.test(text) ? text : `"${plainText(text, "keepalived.conf", '"\\$~@')}"`;
}
