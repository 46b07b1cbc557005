/**
 * From text to plain values with their places. YAML has spellings that its own
 * readers disagree about; whatever could mean two things is refused here, so
 * that a file means the same to us, to an editor and to any other program.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  type YAMLError,
  type YAMLMap,
} from "yaml";
import type { Position } from "#base/errors.ts";
import { lineIndex } from "./lines.ts";
import { type Mistake, type ModelCode, type Path, pathText, quote } from "./mistakes.ts";

/** A federation file is five levels deep. */
const MAX_DEPTH = 32;

/** Where values and keys start, by path text, as offsets into the text. */
export interface Places {
  readonly values: ReadonlyMap<string, number>;
  readonly keys: ReadonlyMap<string, number>;
  /** Line and column, from 1, of an offset. */
  readonly position: (offset: number) => Omit<Position, "file">;
}

export interface YamlReading {
  /** Plain values; undefined where the text is too broken to be read further. */
  readonly value: unknown;
  readonly places: Places;
  readonly mistakes: readonly Mistake[];
  /** Parts whose value is unknown, because it was refused. */
  readonly refused: readonly Path[];
}

interface Reader {
  readonly mistakes: Mistake[];
  readonly refused: Path[];
  readonly values: Map<string, number>;
  readonly keys: Map<string, number>;
  /** Offsets of plain scalars that YAML 1.1 and 1.2 type differently. */
  readonly ambiguous: ReadonlySet<number>;
}

/** Reads one YAML document strictly. Never throws. */
export function readYaml(text: string): YamlReading {
  const document = parseDocument(text, {
    version: "1.2",
    compat: "yaml-1.1",
    prettyErrors: false,
    // Its check is quadratic in the number of keys; readMap has its own.
    uniqueKeys: false,
  });
  const reader: Reader = {
    mistakes: [...characterMistakes(text), ...directiveMistakes(document, text)],
    refused: [],
    values: new Map(),
    keys: new Map(),
    ambiguous: new Set(document.warnings.map((warning) => warning.pos[0])),
  };
  // The YAML package's own LineCounter miscounts after some syntax errors.
  const position = lineIndex(text);
  const places: Places = { values: reader.values, keys: reader.keys, position };
  if (document.errors.length > 0) {
    // An odd character is reason enough for what the reader says after it.
    if (reader.mistakes.length === 0)
      reader.mistakes.push(...syntaxMistakes(document.errors, (offset) => position(offset).line));
    return { value: undefined, places, mistakes: reader.mistakes, refused: [[]] };
  }
  const value = readNode(document.contents, [], reader);
  return { value, places, mistakes: reader.mistakes, refused: reader.refused };
}

function readNode(node: Node | null, path: Path, reader: Reader): unknown {
  if (node === null) return null;
  const offset = node.range?.[0] ?? 0;
  reader.values.set(pathText(path), offset);
  if (path.length > MAX_DEPTH) {
    return refuse(
      reader,
      path,
      "MODEL_YAML_TOO_DEEP",
      `more than ${MAX_DEPTH} levels of nesting`,
      "write fewer levels",
    );
  }
  if (isAlias(node)) {
    return refuse(
      reader,
      path,
      "MODEL_YAML_ALIAS",
      `*${node.source} is an alias`,
      "write the value out here",
    );
  }
  if ("anchor" in node && node.anchor !== undefined) {
    reader.mistakes.push({
      code: "MODEL_YAML_ALIAS",
      message: `&${node.anchor} is an anchor`,
      hint: "remove it, and write values out where they are used",
      path,
    });
  }
  if (node.tag !== undefined) {
    return refuse(
      reader,
      path,
      "MODEL_YAML_TAG",
      `the tag ${node.tag.replace("tag:yaml.org,2002:", "!!")} sets a type`,
      "remove the tag",
    );
  }
  if (isMap(node)) return readMap(node, path, reader);
  if (isSeq(node)) return node.items.map((item, index) => readNode(item as Node, [...path, index], reader));
  return isScalar(node) ? readScalar(node, path, reader) : null;
}

function readMap(map: YAMLMap, path: Path, reader: Reader): unknown {
  const entries = new Map<string, unknown>();
  for (const pair of map.items) {
    const key = readKey(pair, path, reader);
    if (key === undefined) continue;
    const at = [...path, key];
    if (entries.has(key)) {
      const hint = "keep one of the two";
      const spot = offsetOf(pair.key);
      reader.mistakes.push({
        code: "MODEL_YAML_DUPLICATE_KEY",
        message: `the key ${quote(key)} is here twice`,
        hint,
        path: at,
        spot,
      });
      reader.refused.push(at);
      continue;
    }
    reader.keys.set(pathText(at), offsetOf(pair.key));
    entries.set(key, readNode(pair.value as Node | null, at, reader));
  }
  // fromEntries makes an ordinary key even of "__proto__".
  return Object.fromEntries(entries);
}

/** The key's text; undefined, with a mistake, where it is anything but plain text. */
function readKey(pair: Pair, path: Path, reader: Reader): string | undefined {
  const spot = offsetOf(pair.key);
  const refuseKey = (code: ModelCode, message: string, hint: string) => {
    reader.mistakes.push({ code, message, hint, path, spot });
    return undefined;
  };
  if (!isScalar(pair.key))
    return refuseKey("MODEL_YAML_KEY", "a key is not plain text", "write the key as one word");
  const key = pair.key;
  if (key.source === "<<") {
    // Which keys the mapping would have is unknown.
    reader.refused.push(path);
    return refuseKey("MODEL_YAML_MERGE", "<< merges one mapping into another", "write the keys out here");
  }
  if (reader.ambiguous.has(spot) || typeof key.value !== "string") {
    const text = quote(key.source ?? key.value);
    return refuseKey(
      "MODEL_YAML_KEY",
      `the key ${text} is not text to every YAML reader`,
      "write the key as one word",
    );
  }
  return key.value;
}

function readScalar(scalar: Scalar, path: Path, reader: Reader): unknown {
  const { value, source = "" } = scalar;
  const odd = typeof value === "number" && !/^-?(0|[1-9][0-9]*)(\.[0-9]+)?$/.test(source);
  if (!odd && !reader.ambiguous.has(offsetOf(scalar))) return value;
  const number = Number(source.replaceAll("_", ""));
  const plain = Number.isFinite(number) ? `${number} where a number is meant, or ` : "";
  return refuse(
    reader,
    path,
    "MODEL_YAML_AMBIGUOUS",
    `${source} does not mean the same to every YAML reader`,
    `write ${plain}${JSON.stringify(source)} in quotes`,
  );
}

function refuse(reader: Reader, path: Path, code: ModelCode, message: string, hint: string): undefined {
  reader.mistakes.push({ code, message, hint, path });
  reader.refused.push(path);
  return undefined;
}

function offsetOf(node: unknown): number {
  return (node as Node | null)?.range?.[0] ?? 0;
}

/**
 * Control characters, line ends that not every YAML version knows, byte order
 * marks inside, text direction, and spaces that are none to YAML where it needs one.
 */
const ODD_CHARACTER =
  /(?![\t\r\n])\p{Cc}|\r(?!\n)|[\u2028\u2029\ufeff]|\p{Bidi_Control}|(?<=^[ -]*|:)(?! )\p{Zs}/gmu;

function characterMistakes(text: string): Mistake[] {
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

function directiveMistakes({ directives, warnings }: Document, text: string): Mistake[] {
  const known = directives?.yaml.explicit || Object.keys(directives?.tags ?? {}).length > 1;
  if (!known && !warnings.some((warning) => warning.code === "BAD_DIRECTIVE")) return [];
  const message = "a line that begins with % changes how the file is read";
  const spot = Math.max(0, text.search(/^%/m));
  return [{ code: "MODEL_YAML_DIRECTIVE", message, hint: "remove the line", path: [], spot }];
}

/** The causes, one a line: what else the reader says of nesting, of tabs or of the same line follows from them. */
function syntaxMistakes(errors: readonly YAMLError[], lineOf: (offset: number) => number): Mistake[] {
  const deep = errors.find((error) => error.code === "RESOURCE_EXHAUSTION");
  const tabs = errors.filter((error) => error.code === "TAB_AS_INDENT");
  const causes = deep ? [deep] : tabs.length > 0 ? tabs : errors;
  const seen = new Set<number>();
  return causes
    .filter((error) => !seen.has(lineOf(error.pos[0])) && seen.add(lineOf(error.pos[0])))
    .map(syntaxMistake);
}

function syntaxMistake(error: YAMLError): Mistake {
  const known = KNOWN_ERRORS.get(error.code);
  const text = (error.message.split("\n")[0] ?? "").replaceAll(/[\p{C}\p{Z}]/gu, " ");
  const mistake = known ?? {
    code: "MODEL_YAML_SYNTAX",
    message: `not YAML: ${text}`,
    hint: SYNTAX_HINTS.get(error.code) ?? "mend the text here or in the line above",
  };
  return { ...mistake, path: [], spot: error.pos[0] };
}

const SYNTAX_HINTS: ReadonlyMap<string, string> = new Map([
  ["BLOCK_AS_IMPLICIT_KEY", 'put text that holds ": " in quotes, and check how this line is indented'],
  ["MISSING_CHAR", "find the quote or bracket that is opened above and not closed"],
]);

const KNOWN_ERRORS: ReadonlyMap<string, Pick<Mistake, "code" | "message" | "hint">> = new Map([
  [
    "TAB_AS_INDENT",
    { code: "MODEL_YAML_TAB", message: "a tab indents this line", hint: "indent with spaces" },
  ],
  [
    "MULTIPLE_DOCS",
    {
      code: "MODEL_YAML_MULTIPLE_DOCUMENTS",
      message: "a second document begins here",
      hint: "keep one federation in a file: remove this --- and what follows it",
    },
  ],
  [
    "RESOURCE_EXHAUSTION",
    { code: "MODEL_YAML_TOO_DEEP", message: "the values nest too deeply", hint: "write fewer levels" },
  ],
]);
