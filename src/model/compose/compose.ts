/**
 * A Docker Compose file as services of ours. What can't be carried over is
 * told, each part with its line and why; a file without which a service would
 * not run is refused, like a mistake in a file of our own.
 */
import type { Position } from "#base/errors.ts";
import { stringify } from "yaml";
import { lineIndex } from "../lines.ts";
import type { Mistake } from "../mistakes.ts";
import { failure } from "../read.ts";
import { nameFrom } from "../service/formats.ts";
import { checkService, type ServiceFile } from "../service/parse.ts";
import type { Places } from "../yaml.ts";
import { type ConvertOptions, convertService } from "./convert.ts";
import type { ServiceDraft } from "./draft.ts";
import { type Mapping, readTree, type Tree } from "./tree.ts";

export interface Imported {
  readonly file: ServiceFile;
  /** The service as a file of ours. */
  readonly text: string;
}

/** What is not as it was in the compose file. */
export interface ImportRemark {
  readonly at: Position;
  /** Such as `web.restart`. */
  readonly subject: string;
  readonly message: string;
}

export interface ComposeImport {
  /** Those that others depend on come first. */
  readonly services: readonly Imported[];
  /** In the order of the file. */
  readonly remarks: readonly ImportRemark[];
}

export interface ImportOptions {
  /** Names the namespace that several services share, where the file has no name of its own. */
  readonly project: string;
  readonly domain?: string;
}

/** Whether a text is meant as a compose file: it lists services, and is of no kind of ours. */
export function isCompose(text: string): boolean {
  return /^["']?services["']?\s*:/m.test(text) && !/^["']?kind["']?\s*:/m.test(text);
}

/** Throws one PanopticonError (exit 1) that holds every mistake in the file's order. */
export function importCompose(text: string, file: string, options: ImportOptions): ComposeImport {
  const plain = text.replace(/^\uFEFF/, "");
  const places: Places = { values: new Map(), keys: new Map(), position: lineIndex(plain) };
  const { tree, mistakes } = readTree(plain);
  const top = tree?.kind === "map" ? tree : undefined;
  const list = top?.entries.get("services")?.tree;
  if (!top || list?.kind !== "map" || mistakes.length > 0)
    throw failure(mistakes.length > 0 ? mistakes : [NO_SERVICES], file, places);
  const several = list.entries.size > 1;
  const settings: ConvertOptions = {
    ...(several && { namespace: projectOf(top, options.project) }),
    ...(options.domain !== undefined && { domain: options.domain }),
  };
  const drafts = inOrder(list).map(([name, service]) => draftOf(name, service, settings));
  const found = [...drafts.flatMap((draft) => draft.mistakes), ...topMistakes(top), ...sameNames(drafts)];
  if (found.length > 0) throw failure(found, file, places);
  const services = drafts.map((draft) => {
    const values = draft.origins;
    const yaml = { value: draft.value, places: { ...places, values }, mistakes: [], refused: [] };
    const domain = options.domain === undefined ? {} : { domain: options.domain };
    return { file: checkService(yaml, file, domain), text: stringify(draft.value, WRITTEN) };
  });
  const remarks = drafts
    .flatMap((draft) => draft.remarks)
    .toSorted((left, right) => left.offset - right.offset)
    .map(({ offset, subject, message }) => ({ at: { file, ...places.position(offset) }, subject, message }));
  return { services, remarks };
}

/** Texts that YAML 1.1 would take for something else are quoted. */
const WRITTEN = { lineWidth: 100, compat: "yaml-1.1" } as const;

const NO_SERVICES: Mistake = {
  code: "MODEL_COMPOSE",
  message: "the file lists no services",
  hint: "a compose file has a mapping under services:",
  path: [],
};

function draftOf(name: string, { offset, tree }: Named, options: ConvertOptions): ServiceDraft {
  const draft: ServiceDraft = {
    name: nameFrom(name) ?? name,
    value: {},
    origins: new Map([["", offset]]),
    remarks: [],
    mistakes: [],
  };
  if (draft.name !== name)
    draft.remarks.push({
      offset,
      subject: name,
      message: `is called ${draft.name} here, and in every host name of it`,
    });
  if (tree.kind === "map") convertService(draft, { ...tree, offset }, options);
  else
    draft.mistakes.push({
      code: "MODEL_COMPOSE",
      message: `the service ${name} says nothing`,
      hint: "give it an image",
      path: [],
      spot: offset,
    });
  return draft;
}

interface Named {
  readonly offset: number;
  readonly tree: Tree;
}

/** Services after those they depend on; in a circle, as the file has them. */
function inOrder(list: Mapping): readonly (readonly [string, Named])[] {
  const done = new Set<string>();
  const visit = (name: string, around: readonly string[]): readonly string[] => {
    const entry = list.entries.get(name);
    if (!entry || done.has(name) || around.includes(name)) return [];
    const before = dependenciesOf(entry.tree).flatMap((other) => visit(other, [...around, name]));
    if (done.has(name)) return before;
    done.add(name);
    return [...before, name];
  };
  return [...list.entries.keys()]
    .flatMap((name) => visit(name, []))
    .flatMap((name) => {
      const entry = list.entries.get(name);
      return entry ? [[name, entry] as const] : [];
    });
}

function dependenciesOf(tree: Tree): readonly string[] {
  const wanted = tree.kind === "map" ? tree.entries.get("depends_on")?.tree : undefined;
  if (wanted?.kind === "map") return [...wanted.entries.keys()];
  return wanted?.kind === "list"
    ? wanted.items.flatMap((one) => (one.kind === "leaf" ? [one.text] : []))
    : [];
}

function projectOf(top: Mapping, project: string): string {
  const name = top.entries.get("name")?.tree;
  return nameFrom(name?.kind === "leaf" ? name.text : project) ?? "services";
}

function topMistakes(top: Mapping): readonly Mistake[] {
  const include = top.entries.get("include");
  if (!include) return [];
  const hint = "name each of the files by itself";
  return [
    { code: "MODEL_COMPOSE", message: "include takes in other files", hint, path: [], spot: include.offset },
  ];
}

function sameNames(drafts: readonly ServiceDraft[]): readonly Mistake[] {
  const names = drafts.map(({ name }) => name);
  return drafts.flatMap(({ name, origins }, index) =>
    names.indexOf(name) < index
      ? [
          {
            code: "MODEL_COMPOSE" as const,
            message: `two services would be called ${name}`,
            hint: "give one of them another name",
            path: [],
            spot: origins.get("") ?? 0,
          },
        ]
      : [],
  );
}
