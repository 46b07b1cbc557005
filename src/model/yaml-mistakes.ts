/** What is wrong with a text before its values have a meaning. */
import type { Document, YAMLError } from "yaml";
import type { Mistake } from "./mistakes.ts";

/**
 * Control characters, line ends that not every YAML version knows, byte order
 * marks inside, text direction, and spaces that are none to YAML where it needs one.
 */
const ODD_CHARACTER =
  /(?![\t\r\n])\p{Cc}|\r(?!\n)|[\u2028\u2029\ufeff]|\p{Bidi_Control}|(?! )\p{Zs}(?<=(?:^[ -]*|:).)/gmu;

/** Each character that has no place in a file. */
export function characterMistakes(text: string): Mistake[] {
  return [...text.matchAll(ODD_CHARACTER)].map(({ 0: character, index }) => {
    const number = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
    return {
      code: "MODEL_YAML_CHARACTER",
      message: `the invisible character U+${number} stands here`,
      hint: /\p{Zs}/u.test(character)
        ? "write an ordinary space"
        : "remove it, and end lines with a line feed",
      path: [],
      spot: index,
    };
  });
}

/** A line such as `%YAML 1.1`, which changes the meaning of the rest. */
export function directiveMistakes({ directives, warnings }: Document, text: string): Mistake[] {
  const known = directives?.yaml.explicit || Object.keys(directives?.tags ?? {}).length > 1;
  if (!known && !warnings.some((warning) => warning.code === "BAD_DIRECTIVE")) return [];
  const message = "a line that begins with % changes how the file is read";
  const spot = Math.max(0, text.search(/^%/m));
  return [{ code: "MODEL_YAML_DIRECTIVE", message, hint: "remove the line", path: [], spot }];
}

/** The causes, one a line: what else the reader says of tabs or of the same line follows from them. */
export function syntaxMistakes(errors: readonly YAMLError[], lineOf: (offset: number) => number): Mistake[] {
  const tabs = errors.filter((error) => error.code === "TAB_AS_INDENT");
  const seen = new Set<number>();
  return (tabs.length > 0 ? tabs : errors)
    .filter((error) => !seen.has(lineOf(error.pos[0])) && seen.add(lineOf(error.pos[0])))
    .map(syntaxMistake);
}

function syntaxMistake(error: YAMLError): Mistake {
  const at = { path: [], spot: error.pos[0] };
  if (error.code === "TAB_AS_INDENT") {
    return { code: "MODEL_YAML_TAB", message: "a tab indents this line", hint: "indent with spaces", ...at };
  }
  const text = (error.message.split("\n")[0] ?? "").replaceAll(/[\p{C}\p{Z}]/gu, " ");
  const hint = SYNTAX_HINTS.get(error.code) ?? "mend the text here or in the line above";
  return { code: "MODEL_YAML_SYNTAX", message: `not YAML: ${text}`, hint, ...at };
}

const SYNTAX_HINTS: ReadonlyMap<string, string> = new Map([
  ["BLOCK_AS_IMPLICIT_KEY", 'put text that holds ": " in quotes, and check how this line is indented'],
  ["MISSING_CHAR", "find the quote or bracket that is opened above and not closed"],
]);

/** A file holds one federation, or one service. */
export function secondDocument(document: Document): Mistake {
  return {
    code: "MODEL_YAML_MULTIPLE_DOCUMENTS",
    message: "a second document begins here",
    hint: "keep one document in a file: remove this --- and what follows it",
    path: [],
    spot: document.range?.[0] ?? 0,
  };
}

/** The value at the offset is below `limit` others. */
export function tooDeep(spot: number, limit: number): Mistake {
  const message = `values nest more than ${limit} levels deep`;
  return { code: "MODEL_YAML_TOO_DEEP", message, hint: "write fewer levels", path: [], spot };
}
