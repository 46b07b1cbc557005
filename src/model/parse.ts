/**
 * The model room: what a federation file may say and what it means. Text goes
 * through YAML, shape and cross-checks, each of which goes on past mistakes, so
 * that a person sees all of them at once. The room reads no files: text comes
 * in, a federation or one error comes out.
 */
import type { Position } from "#base/errors.ts";
import { CHECKS } from "./checks.ts";
import type { Federation, FederationFile, SourceMap } from "./federation.ts";
import { normalize } from "./normalize.ts";
import { failure, type FileKind, readText } from "./read.ts";
import { federationJsonSchema } from "./schema.ts";
import { federationShape, type FederationInput } from "./shape.ts";
import type { Places } from "./yaml.ts";

const FEDERATION: FileKind = {
  noun: "federation",
  shape: federationShape,
  schema: federationJsonSchema(),
  begin: "begin with kind: Federation; examples/home.yaml shows a whole file",
};

/**
 * Reads a federation file's text; `file` is its name, for messages. Throws one
 * PanopticonError (exit 1) that holds every mistake in the file's order.
 */
export function parseFederation(text: string, file: string): FederationFile {
  const { input, mistakes, places } = readText<FederationInput>(text, file, FEDERATION);
  const draft = normalize(input);
  const crossed = input && draft ? CHECKS.flatMap((check) => check(draft, input)) : [];
  const all = [...mistakes, ...crossed];
  if (all.length > 0) throw failure(all, file, places);
  // No mistake was found, so that no part is unknown.
  return { federation: draft as Federation, source: sourceMap(places, file) };
}

function sourceMap(places: Places, file: string): SourceMap {
  return new Map(
    [...places.values].map(([path, offset]): [string, Position] => [
      path,
      { file, ...places.position(offset) },
    ]),
  );
}
