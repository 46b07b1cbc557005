/** The reference of the file format, made from its schema, so that it says what the program does. */
import { MODEL_CODES } from "./mistakes.ts";
import { federationJsonSchema, type JsonSchema, schemaAt } from "./schema.ts";
import { typeName } from "./shape-mistakes.ts";

/** docs/file-format.md: every key, and every kind of mistake. */
export function fileFormatMarkdown(): string {
  const codes = Object.entries(MODEL_CODES).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`);
  return [
    "# The federation file",
    "",
    "<!-- Made from the code: UPDATE_GOLDEN=1 npx vitest run src/model/schema.test.ts -->",
    "",
    INTRODUCTION,
    "",
    ...sectionsOf("", federationJsonSchema()).flatMap(writeSection),
    ...Object.values(TABLES).flatMap((write) => write()),
    "## Mistakes",
    "",
    "All mistakes of a file are told at once, each with its place. These are their codes.",
    "",
    "| Code | Meaning |",
    "|---|---|",
    ...codes,
    "",
  ].join("\n");
}

const INTRODUCTION = `One YAML file describes a federation: its sites, their servers and what must hold. \`examples/\` has files to start from. An editor that knows YAML schemas completes and checks the file while you write, given this first line:

\`\`\`yaml
# yaml-language-server: $schema=./federation.schema.json
\`\`\`

The file is YAML 1.2, or JSON. What YAML readers disagree about is refused: anchors, aliases, merge keys, tags, directives, and unquoted values such as \`no\`, \`010\` or \`0000:03:00.0\`. Put such a text in quotes. Networks and addresses are IPv4.

Amounts of memory and disk are a number with its unit: \`MiB\`, \`GiB\`, \`TiB\` count in 1024s, \`MB\`, \`GB\`, \`TB\` in 1000s. Names are lower-case letters, digits and \`-\`, begin with a letter and have at most 20 characters.`;

/** Mappings whose parts are alike: one row for each instead of a section. */
const TABLES: Readonly<Record<string, () => readonly string[]>> = {
  sizes: writeSizes,
  reliability: writeReliability,
};

interface Section {
  readonly title: string;
  readonly schema: JsonSchema;
}

/** The mapping itself and the mappings in it, in the order of the file, but for sizes. */
function sectionsOf(title: string, schema: JsonSchema): readonly Section[] {
  const inner = Object.entries(schema.properties ?? {}).flatMap(([key, part]) => {
    const mapping = part.items ?? part;
    const path = `${title}${title && "."}${key}${part.items ? "[]" : ""}`;
    return mapping.properties && !(key in TABLES) ? sectionsOf(path, mapping) : [];
  });
  return [{ title, schema }, ...inner];
}

function writeSection({ title, schema }: Section): readonly string[] {
  return [
    title ? `## \`${title}\`` : "## At the top",
    "",
    ...(title && schema.description ? [schema.description, ""] : []),
    "| Key | Value | Default | For |",
    "|---|---|---|---|",
    ...Object.entries(schema.properties ?? {}).map(([key, part]) => {
      const fallback = schema.required?.includes(key) ? "must be given" : codeOf(part.default);
      return `| \`${key}\` | ${valueOf(part)} | ${fallback} | ${part.description ?? ""} |`;
    }),
    "",
  ];
}

/** Sizes have the same keys for each role, and one row for each here. */
function writeSizes(): readonly string[] {
  const roles = Object.entries(schemaAt(["sizes"])?.properties ?? {});
  return [
    "## `sizes` and `sites[].sizes`",
    "",
    "Each role has a mapping of `cpus`, `memory` and `disk`. A site's own value goes before the federation's, and that before the default.",
    "",
    "| Role | Default `cpus` | Default `memory` | Default `disk` | For |",
    "|---|---|---|---|---|",
    ...roles.map(([role, { properties, description }]) => {
      const values = ["cpus", "memory", "disk"].map((key) => codeOf(properties?.[key]?.default));
      return `| \`${role}\` | ${values.join(" | ")} | ${description ?? ""} |`;
    }),
    "",
  ];
}

function writeReliability(): readonly string[] {
  const kinds = Object.entries(schemaAt(["reliability"])?.properties ?? {});
  return [
    "## `reliability`",
    "",
    "Each kind of component has a mapping of `mtbf`, the mean time between failures, and `mttr`, the mean time to repair; a whole number with `min`, `h`, `d` or `y`. The defaults are careful assumptions for a home or an office, not measurements.",
    "",
    "| Kind | Default `mtbf` | Default `mttr` | What fails |",
    "|---|---|---|---|",
    ...kinds.map(([kind, { properties, description }]) => {
      const values = ["mtbf", "mttr"].map((key) => codeOf(properties?.[key]?.default));
      return `| \`${kind}\` | ${values.join(" | ")} | ${description ?? ""} |`;
    }),
    "",
  ];
}

function codeOf(value: string | number | boolean | undefined): string {
  return value === undefined ? "" : `\`${value}\``;
}

function valueOf(schema: JsonSchema): string {
  const values = schema.const === undefined ? schema.enum : [schema.const];
  if (values) return values.map(codeOf).join(" or ");
  const example = schema.examples?.[0] ?? schema.items?.examples?.[0];
  const such = schema.items ? " of texts such as" : ", such as";
  return `${typeName(schema)}${example === undefined ? "" : `${such} ${codeOf(example)}`}`;
}
