/** A service in the making, out of a compose file. */
import { type Mistake, type Path, pathText } from "../mistakes.ts";
import type { Leaf, Tree } from "./tree.ts";
import { fill } from "./words.ts";

/** Something that is otherwise than in the compose file, with its place and why. */
export interface Remark {
  readonly offset: number;
  /** Such as `web.restart`. */
  readonly subject: string;
  readonly message: string;
}

export interface ServiceDraft {
  readonly name: string;
  /** A service file's content. */
  readonly value: Record<string, unknown>;
  /** Where each part comes from, by path. */
  readonly origins: Map<string, number>;
  readonly remarks: Remark[];
  readonly mistakes: Mistake[];
}

/** Sets a part of the service that comes from this place. */
export function set(draft: ServiceDraft, key: string, value: unknown, offset: number): void {
  draft.value[key] = value;
  mark(draft, [key], offset);
}

export function mark(draft: ServiceDraft, path: Path, offset: number): void {
  draft.origins.set(pathText(path), offset);
}

export function remark(draft: ServiceDraft, key: string, offset: number, message: string): void {
  draft.remarks.push({ offset, subject: `${draft.name}.${key}`, message });
}

/** Without it the service would not run. */
export function refuse(draft: ServiceDraft, offset: number, message: string, hint: string): void {
  draft.mistakes.push({ code: "MODEL_COMPOSE", message, hint, path: [], spot: offset });
}

/** The text with defaults for its variables; undefined, and refused, where one has none. */
export function textIn(draft: ServiceDraft, key: string, leaf: Leaf): string | undefined {
  const { text, unset, defaulted } = fill(leaf.text);
  if (unset.length > 0) {
    const hint = "write the value itself, or a default: ${NAME:-value}";
    refuse(draft, leaf.offset, `${key} needs ${unset.join(", ")}, which the file does not say`, hint);
    return undefined;
  }
  for (const name of defaulted)
    remark(draft, key, leaf.offset, `${name} has the default that the file gives`);
  return text;
}

/** The leaves of a list, or the one leaf there is. */
export function leavesOf(tree: Tree): readonly Leaf[] {
  if (tree.kind === "leaf") return tree.text === "" ? [] : [tree];
  return tree.kind === "list" ? tree.items.filter((one): one is Leaf => one.kind === "leaf") : [];
}

/** Pairs of a mapping, or of a list of `key=value`; a value that is not given is undefined. */
export function pairsOf(
  tree: Tree,
): readonly { readonly key: string; readonly offset: number; readonly leaf: Leaf | undefined }[] {
  if (tree.kind === "map")
    return [...tree.entries].map(([key, { offset, tree: value }]) => ({
      key,
      offset,
      leaf: value.kind === "leaf" && value.value !== null ? value : undefined,
    }));
  return leavesOf(tree).map((leaf) => {
    const equals = leaf.text.indexOf("=");
    if (equals < 0) return { key: leaf.text, offset: leaf.offset, leaf: undefined };
    const text = leaf.text.slice(equals + 1);
    return { key: leaf.text.slice(0, equals), offset: leaf.offset, leaf: { ...leaf, value: text, text } };
  });
}
