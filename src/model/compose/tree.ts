/**
 * A compose file as a tree whose every part knows its place. Unlike our own
 * files, compose files use anchors, aliases and merge keys: they are resolved.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Document,
  type Node,
  parseDocument,
  type YAMLMap,
} from "yaml";
import { lineIndex } from "../lines.ts";
import type { Mistake } from "../mistakes.ts";
import { characterMistakes, syntaxMistakes } from "../yaml-mistakes.ts";

export type Tree = Leaf | List | Mapping;

interface Place {
  /** Into the text. */
  readonly offset: number;
}

export interface Leaf extends Place {
  readonly kind: "leaf";
  readonly value: unknown;
  /** As it is written, without quotes. */
  readonly text: string;
}

export interface List extends Place {
  readonly kind: "list";
  readonly items: readonly Tree[];
}

export interface Mapping extends Place {
  readonly kind: "map";
  /** In the order of the file; what a merge key brings comes first. */
  readonly entries: ReadonlyMap<string, Entry>;
}

export interface Entry {
  /** Of the key. */
  readonly offset: number;
  readonly tree: Tree;
}

/** Aliases of aliases grow without bound: no compose file has so many parts. */
const MOST_PARTS = 20_000;
const MOST_DEPTH = 64;

interface Reader {
  readonly document: Document;
  readonly mistakes: Mistake[];
  parts: number;
}

/** Never throws; the tree is undefined where the text can't be read at all. */
export function readTree(text: string): {
  readonly tree: Tree | undefined;
  readonly mistakes: readonly Mistake[];
} {
  const position = lineIndex(text);
  const document = parseDocument(text, { version: "1.2", lineCounter: new LineCounter() });
  const odd = characterMistakes(text);
  const broken = syntaxMistakes(document.errors, (offset) => position(offset).line);
  const reader: Reader = { document, mistakes: [], parts: 0 };
  if (odd.length > 0 || broken.length > 0) return { tree: undefined, mistakes: [...odd, ...broken] };
  const tree = treeOf(document.contents, reader, 0);
  return { tree, mistakes: reader.mistakes };
}

function treeOf(node: Node | null, reader: Reader, depth: number): Tree {
  const offset = node?.range?.[0] ?? 0;
  reader.parts += 1;
  if (reader.parts > MOST_PARTS || depth > MOST_DEPTH) return tooMuch(reader, offset);
  if (isAlias(node)) {
    const target = node.resolve(reader.document) as Node | undefined;
    if (target) return treeOf(target, reader, depth + 1);
    return refuse(reader, offset, `*${node.source} is an alias of nothing`, "define its anchor above");
  }
  if (isMap(node)) return { kind: "map", offset, entries: entriesOf(node, reader, depth) };
  if (isSeq(node))
    return { kind: "list", offset, items: node.items.map((item) => treeOf(item as Node, reader, depth + 1)) };
  if (!isScalar(node)) return { kind: "leaf", offset, value: null, text: "" };
  return { kind: "leaf", offset, value: node.value, text: textOf(node.value, node.source) };
}

function textOf(value: unknown, source: string | undefined): string {
  if (typeof value === "string") return value;
  return value === null ? "" : (source ?? JSON.stringify(value));
}

function entriesOf(map: YAMLMap, reader: Reader, depth: number): ReadonlyMap<string, Entry> {
  const own = new Map<string, Entry>();
  const merged = new Map<string, Entry>();
  for (const { key, value } of map.items) {
    const offset = (key as Node | null)?.range?.[0] ?? 0;
    if (!isScalar(key)) {
      refuse(reader, offset, "a key is not plain text", "write the key as one word");
      continue;
    }
    const tree = treeOf(value as Node | null, reader, depth + 1);
    if (key.source !== "<<") {
      own.set(textOf(key.value, key.source), { offset, tree });
      continue;
    }
    // The first of several goes before the others.
    const sources = tree.kind === "list" ? tree.items.toReversed() : [tree];
    for (const one of sources)
      if (one.kind === "map") for (const [name, entry] of one.entries) merged.set(name, entry);
  }
  return new Map([...merged, ...own]);
}

function tooMuch(reader: Reader, offset: number): Leaf {
  if (reader.parts === MOST_PARTS + 1)
    refuse(reader, offset, "the file's aliases make it too large", "write fewer of them");
  return { kind: "leaf", offset, value: null, text: "" };
}

function refuse({ mistakes }: Reader, spot: number, message: string, hint: string): Leaf {
  mistakes.push({ code: "MODEL_COMPOSE", message, hint, path: [], spot });
  return { kind: "leaf", offset: spot, value: null, text: "" };
}
