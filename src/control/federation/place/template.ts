/** From a federated resource's template to an object with a name and a type. */
import { type ApiResource } from "../api/type-config.ts";
import type { FederatedResource } from "../api/federated.ts";
import { stripJob } from "../api/federate.ts";
import { at, type DraftObject, draftOf, isObject, objectAt, put } from "../json.ts";

/** Set by API servers and controllers; in a template they would only be refused or fought over. */
const SERVER_METADATA: readonly string[] = [
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "managedFields",
  "selfLink",
  "ownerReferences",
  "generateName",
  "annotations",
  "finalizers",
];

/**
 * The template as an object of the target type: name and namespace are the
 * federated resource's, annotations and finalizers are left to overrides.
 * A template with an apiVersion of its own keeps it, as in kubefed.
 */
export function objectOf(resource: FederatedResource, target: ApiResource): DraftObject {
  const template = draftOf(resource.spec?.template ?? {});
  delete template["status"];
  const { apiVersion, kind: _kind, metadata: _metadata, ...rest } = template;
  const metadata = objectAt(template, "metadata");
  for (const field of SERVER_METADATA) delete metadata[field];
  delete metadata["namespace"];
  metadata["name"] = resource.metadata?.name ?? "";
  if (target.scope === "Namespaced") metadata["namespace"] = resource.metadata?.namespace ?? "";
  const own = typeof apiVersion === "string" && apiVersion !== "";
  const object: DraftObject = {
    apiVersion: own ? apiVersion : apiVersionOf(target),
    kind: target.kind,
    metadata,
    ...rest,
  };
  if (target.kind === "Job" && target.group === "batch") stripJob(object);
  return object;
}

function apiVersionOf(type: Pick<ApiResource, "group" | "version">): string {
  return type.group ? `${type.group}/${type.version}` : type.version;
}

/** Turns `stringData`, which can be written but never read back, into `data`, so that drift can be seen. */
export function mergeStringData(secret: DraftObject): void {
  if (secret["kind"] !== "Secret" || secret["apiVersion"] !== "v1") return;
  const plain = at(secret, "stringData");
  if (!isObject(plain)) return;
  const data = objectAt(secret, "data");
  for (const [key, value] of Object.entries(plain)) {
    put(data, key, Buffer.from(typeof value === "string" ? value : "").toString("base64"));
  }
  delete secret["stringData"];
}
