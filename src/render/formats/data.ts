/** YAML and JSON documents. */
import { Document } from "yaml";

/** Kubernetes reads YAML 1.1, where `no` and `on` are booleans: such strings are quoted. */
const OPTIONS = { aliasDuplicateObjects: false, compat: "yaml-1.1" } as const;

/** Several YAML documents in one file. Lines are never folded, so that a diff shows what changed. */
export function emitYaml(documents: readonly object[]): string {
  return documents
    .map((document) => new Document(document, OPTIONS).toString({ lineWidth: 0 }))
    .join("---\n");
}

/** One JSON document, indented. */
export function emitJson(document: object): string {
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
