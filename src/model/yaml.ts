/**
 * From text to plain values with their places. YAML has spellings that its own
 * readers disagree about; whatever could mean two things is refused here, so
 * that a file means the same to us, to an editor and to any other program.
 */
import {
  Composer,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  Parser,
  type Scalar,
  type YAMLMap,
} from "yaml";
import type { Position } from "#base/errors.ts";
import { tooDeepAt } from "./depth.ts";
import { lineIndex } from "./lines.ts";
import { type Mistake, type ModelCode, type Path, pathText, quote } from "./mistakes.ts";
import {
  characterMistakes,
  directiveMistakes,
  secondDocument,
  syntaxMistakes,
  tooDeep,
} from "./yaml-mistakes.ts";

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
  // The YAML package's own LineCounter miscounts after some syntax errors.
  const position = lineIndex(text);
  const mistakes = characterMistakes(text);
  const unread = (more: readonly Mistake[]): YamlReading => {
    const places = { values: new Map(), keys: new Map(), position };
    return { value: undefined, places, mistakes: [...mistakes, ...more], refused: [[]] };
  };
  const tokens = [...new Parser().parse(text)];
  const deep = tooDeepAt(tokens, MAX_DEPTH);
  if (deep !== undefined) return unread([tooDeep(deep, MAX_DEPTH)]);
  const [document, second] = new Composer(COMPOSE_OPTIONS).compose(tokens, true, text.length);
  if (!document) return unread([]);
  mistakes.push(...directiveMistakes(document, text), ...(second ? [secondDocument(second)] : []));
  if (document.errors.length > 0) {
    // An odd character is reason enough for what the reader says after it.
    return unread(
      mistakes.length > 0 ? [] : syntaxMistakes(document.errors, (offset) => position(offset).line),
    );
  }
  const ambiguous = new Set(document.warnings.map((warning) => warning.pos[0]));
  const reader: Reader = { mistakes, refused: [], values: new Map(), keys: new Map(), ambiguous };
  const value = readNode(document.contents, [], reader);
  return {
    value,
    places: { values: reader.values, keys: reader.keys, position },
    mistakes,
    refused: reader.refused,
  };
}

const COMPOSE_OPTIONS = {
  version: "1.2",
  compat: "yaml-1.1",
  // Its check is quadratic in the number of keys; readMap has its own.
  uniqueKeys: false,
} as const;

function readNode(node: Node | null, path: Path, reader: Reader): unknown {
  if (node === null) return null;
  const offset = node.range?.[0] ?? 0;
  reader.values.set(pathText(path), offset);
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
