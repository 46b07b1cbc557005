/** The file's JSON Schema: for editors, for the reference, and for hints that know what belongs where. */
import { z } from "zod";
import type { Path } from "./mistakes.ts";
import { federationShape } from "./shape.ts";

/** The parts of a JSON Schema that ours consists of. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: string | number | boolean;
  readonly examples?: readonly (string | number)[];
  readonly pattern?: string;
  readonly const?: string;
  readonly enum?: readonly (string | number)[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  /** What every key holds, where a person chooses the keys. */
  readonly additionalProperties?: JsonSchema | boolean;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

/** JSON Schema (draft 2020-12) of a federation file; what `panopticon schema` prints. */
export function federationJsonSchema(): JsonSchema {
  const { $schema, ...schema } = z.toJSONSchema(federationShape, { io: "input" });
  return { $schema, title: "A Panopticon federation", ...schema } as JsonSchema;
}

const SCHEMA = federationJsonSchema();

/** What belongs at a path of a file, a federation file where no other is named; undefined where nothing does. */
export function schemaAt(path: Path, root: JsonSchema = SCHEMA): JsonSchema | undefined {
  return path.reduce<JsonSchema | undefined>((schema, part) => {
    if (typeof part === "string") return schema && keyOf(schema, part);
    return schema?.items ?? schema?.anyOf?.find((branch) => branch.items)?.items;
  }, root);
}

function keyOf({ properties, additionalProperties }: JsonSchema, key: string): JsonSchema | undefined {
  if (properties) return own(properties, key);
  return typeof additionalProperties === "object" ? additionalProperties : undefined;
}

function own(properties: Readonly<Record<string, JsonSchema>>, key: string): JsonSchema | undefined {
  return Object.hasOwn(properties, key) ? properties[key] : undefined;
}
