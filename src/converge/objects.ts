/** Objects that shall be at an API as they are written here: compared by asking what applying them would do. */
import { stableJson } from "#base/hash.ts";
import type { Applied, Kube, KubeObject, ObjectRef } from "#ports/kube.ts";

/** Also what an agent names itself as where it installs the same without a lab. */
const MANAGER = { fieldManager: "panopticon-install" };

/** Whether every object is there with every field as it is written. */
export async function allApplied(kube: Kube, objects: readonly Applied<KubeObject>[]): Promise<boolean> {
  const same = await Promise.all(objects.map((object) => isApplied(kube, object)));
  return same.every(Boolean);
}

/** Applies all of them side by side: none may need another to be there first. */
export async function applyAll(kube: Kube, objects: readonly Applied<KubeObject>[]): Promise<void> {
  await Promise.all(objects.map((object) => kube.apply(refOf(object), object, MANAGER)));
}

/** Server-side apply in a dry run fills in all that the server would, so that defaults make no difference. */
async function isApplied(kube: Kube, object: Applied<KubeObject>): Promise<boolean> {
  const ref = refOf(object);
  const present = await kube.find(ref);
  if (!present) return false;
  const wanted = await kube.apply(ref, object, { ...MANAGER, dryRun: true });
  return comparable(present) === comparable(wanted);
}

/** Without what servers and controllers write by the way. */
function comparable(object: KubeObject): string {
  const { managedFields: _, resourceVersion: __, ...metadata } = object.metadata ?? {};
  return stableJson({ ...object, status: undefined, metadata });
}

/** Where an object belongs, by its kind and name. */
function refOf({ apiVersion, kind, metadata = {} }: Applied<KubeObject>): ObjectRef {
  const slash = apiVersion.indexOf("/");
  const group = slash < 0 ? "" : apiVersion.slice(0, slash);
  const resource = { group, version: apiVersion.slice(slash + 1), plural: pluralOf(kind) };
  const { name = "", namespace } = metadata;
  return { resource, name, ...(namespace !== undefined && { namespace }) };
}

/** As the kinds that we install are called in paths. */
export function pluralOf(kind: string): string {
  const word = kind.toLowerCase();
  return word.endsWith("y") ? `${word.slice(0, -1)}ies` : `${word}s`;
}
