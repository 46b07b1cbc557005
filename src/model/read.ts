/**
 * Text to checked values, for every kind of file there is: YAML, then shape,
 * each going on past mistakes, so that a person sees all of them at once.
 */
import type { z } from "zod";
import { PanopticonError, type Problem } from "#base/errors.ts";
import { type Draft, withoutRefused } from "./draft.ts";
import { type Mistake, type Path, pathText } from "./mistakes.ts";
import type { JsonSchema } from "./schema.ts";
import { shapeMistakes } from "./shape-mistakes.ts";
import { type Places, readYaml, type YamlReading } from "./yaml.ts";

const MAX_BYTES = 2 ** 20;

/** More than this nobody reads; the rest is counted. */
const MAX_PROBLEMS = 100;

/** What a kind of file looks like. */
export interface FileKind {
  /** Such as `federation`. */
  readonly noun: string;
  readonly shape: z.ZodType;
  readonly schema: JsonSchema;
  /** What to do about a file that says nothing. */
  readonly begin: string;
}

/** A file of this kind, as far as it could be read. */
export interface Reading<Input> {
  /** Parts that were refused are unknown. */
  readonly input: Draft<Input>;
  readonly mistakes: readonly Mistake[];
  readonly places: Places;
}

/** Reads a text; throws where it is too large, or nothing of it has a meaning. */
export function readText<Input>(text: string, file: string, kind: FileKind): Reading<Input> {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_BYTES) {
    const message = `the file has ${bytes} bytes, more than ${MAX_BYTES}`;
    const hint = `a ${kind.noun} file is far smaller: is this the right file?`;
    throw failure([{ code: "MODEL_FILE_TOO_LARGE", message, hint, path: [] }], file);
  }
  // A byte order mark is not part of the text, and would shift the first line's columns.
  return readValue(readYaml(text.replace(/^\uFEFF/, "")), file, kind);
}

/** The same for values that have been read from YAML already. */
export function readValue<Input>(
  { value, places, mistakes, refused }: YamlReading,
  file: string,
  kind: FileKind,
): Reading<Input> {
  const top = mistakes.length > 0 && value === undefined ? undefined : topMistake(value, kind.begin);
  if (top) throw failure([...mistakes, top], file, places);
  const shape = checkShape(value, refused, kind);
  const input = withoutRefused(value, [...refused, ...shape.refused]) as Draft<Input>;
  return { input, mistakes: [...mistakes, ...shape.mistakes], places };
}

function topMistake(value: unknown, hint: string): Mistake | undefined {
  if (value === null) return { code: "MODEL_FILE_EMPTY", message: "the file says nothing", hint, path: [] };
  if (typeof value === "object" && !Array.isArray(value)) return undefined;
  return {
    code: "MODEL_NOT_A_MAPPING",
    message: "the file does not consist of keys and values",
    hint,
    path: [],
  };
}

/** Mistakes of shape, but for those that only follow from a part that was refused or from a mistyped key. */
function checkShape(
  value: unknown,
  refused: readonly Path[],
  { shape, schema }: FileKind,
): Pick<YamlReading, "mistakes" | "refused"> {
  const issues = shape.safeParse(value).error?.issues ?? [];
  const found = issues.flatMap((issue) => shapeMistakes(issue, value, schema));
  const meant = found.flatMap((mistake) => (mistake.meant ? [mistake.meant] : []));
  const unknown = new Set([...refused, ...meant].map(pathText));
  const follows = ({ path }: Mistake) => upwards(path).some((part) => unknown.has(part));
  const first = new Map(
    found.toReversed().map((mistake) => [`${mistake.code} ${pathText(mistake.path)}`, mistake]),
  );
  const mistakes = found.filter(
    (mistake) => !follows(mistake) && first.get(`${mistake.code} ${pathText(mistake.path)}`) === mistake,
  );
  return { mistakes, refused: [...mistakes.map(({ path }) => path), ...meant] };
}

/** One error (exit 1) with every mistake in the order of the file. */
export function failure(mistakes: readonly Mistake[], file: string, places?: Places): PanopticonError {
  const problems = mistakes.map((mistake) => toProblem(mistake, file, places)).sort(byPosition);
  const rest = problems.length - MAX_PROBLEMS;
  if (rest <= 0) return new PanopticonError(problems, 1);
  const message = `${rest} more mistakes are not shown`;
  const hint = "mend the first ones: the others may follow from them";
  return new PanopticonError(
    [...problems.slice(0, MAX_PROBLEMS), { code: "MODEL_TOO_MANY", message, hint }],
    1,
  );
}

function toProblem({ code, message, hint, path, spot }: Mistake, file: string, places?: Places): Problem {
  const at = places && {
    file,
    ...places.position(typeof spot === "number" ? spot : offsetOf(path, places, spot)),
  };
  const subject = pathText(path);
  return { code, message, hint, at: at ?? { file, line: 1, column: 1 }, ...(subject && { subject }) };
}

/** Where the part at the path starts; where it is not in the file, the key of the part that it should be in. */
function offsetOf(path: Path, places: Places, spot: "key" | undefined): number {
  const [exact = "", ...around] = upwards(path);
  const offsets = [
    spot === "key" ? places.keys.get(exact) : places.values.get(exact),
    ...around.map((part) => places.keys.get(part) ?? places.values.get(part)),
  ];
  return offsets.find((offset) => offset !== undefined) ?? 0;
}

/** The texts of the path and of every part around it, the nearest first and the file's top last. */
function upwards(path: Path): readonly string[] {
  return Array.from({ length: path.length + 1 }, (_, index) => pathText(path.slice(0, path.length - index)));
}

function byPosition(left: Problem, right: Problem): number {
  const line = (left.at?.line ?? 0) - (right.at?.line ?? 0);
  const column = (left.at?.column ?? 0) - (right.at?.column ?? 0);
  return line || column || left.code.localeCompare(right.code, "en");
}
