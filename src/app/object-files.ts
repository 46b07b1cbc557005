/** The Kubernetes objects that files hold, or in which file and at which place that is not what they hold. */
import { type Document, parseAllDocuments } from "yaml";
import { type PanopticonError, wrongUse } from "#base/errors.ts";
import type { KubeObject } from "#ports/kube.ts";
import { readText } from "./files.ts";
import { type FolderOptions, renderFolder } from "./rendered-folders.ts";

const HINT = "Name a YAML or JSON file, the folder of a kustomization or a chart, or a type and a name.";

/**
 * In the files' order; a folder of kustomize or a Helm chart stands for what it
 * is rendered to. Errors (exit 2): CLI_FILE_…, FEDERATION_FILE_SYNTAX,
 * FEDERATION_NO_OBJECT, FEDERATION_TOOL_MISSING; FEDERATION_FOLDER (exit 1).
 */
export async function readObjects(
  files: readonly string[],
  options: FolderOptions,
): Promise<readonly KubeObject[]> {
  const texts = await Promise.all(
    files.map(async (file) => {
      const rendered = await renderFolder(file, options);
      return [file, rendered ?? (await readText(file, HINT))] as const;
    }),
  );
  return texts.flatMap(([file, text]) => objectsIn(file, text));
}

/** @param file for people */
export function objectsIn(file: string, text: string): readonly KubeObject[] {
  // An empty text is no list of documents but a note that it is empty.
  const documents: readonly Document[] = [...(parseAllDocuments(text) as Iterable<Document>)];
  for (const { errors } of documents) {
    const [error] = errors;
    if (error) throw refused("FEDERATION_FILE_SYNTAX", `${file} is no YAML: ${error.message.split("\n")[0]}`);
  }
  const values = documents.map((document) => document.toJS() as unknown).filter((one) => one !== null);
  const objects = values.flatMap((value, index) => itemsOf(value, `${file}, object ${index + 1}`));
  if (objects.length === 0) throw refused("FEDERATION_NO_OBJECT", `${file} holds no object`);
  return objects;
}

/** A list, as `kubectl get -o yaml` prints it, is what it holds. */
function itemsOf(value: unknown, where: string): readonly KubeObject[] {
  const { kind, items } = (value ?? {}) as { readonly kind?: unknown; readonly items?: unknown };
  if (kind !== "List" || !Array.isArray(items)) return [objectOf(value, where)];
  return items.map((item, index) => objectOf(item, `${where}, item ${index + 1}`));
}

function objectOf(value: unknown, where: string): KubeObject {
  const { apiVersion, kind, metadata } = (value ?? {}) as Record<string, unknown>;
  const name = (metadata as { readonly name?: unknown } | null | undefined)?.name;
  const missing = Object.entries({ apiVersion, kind, "metadata.name": name })
    .filter(([, one]) => typeof one !== "string" || one === "")
    .map(([field]) => field);
  if (missing.length === 0) return value as KubeObject;
  throw refused(
    "FEDERATION_NO_OBJECT",
    `${where}: it is no Kubernetes object, ${missing.join(", ")} is missing`,
  );
}

function refused(code: string, message: string): PanopticonError {
  return wrongUse(code, message, HINT);
}
