/** Objects that shall be at an API as they are written here: compared by asking what applying them would do. */
import { stableJson } from "#base/hash.ts";
import { type Applied, type Kube, KubeError, type KubeObject, type ObjectRef } from "#ports/kube.ts";

/** Also what an agent names itself as where it installs the same without a lab. */
const MANAGER = { fieldManager: "panopticon-install" };

/** HTTP: from here on the server could not, rather than would not. */
const SERVER_ERROR = 500;

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
  try {
    const wanted = await kube.apply(ref, object, { ...MANAGER, dryRun: true });
    return comparable(present) === comparable(wanted);
  } catch (error) {
    if (!(error instanceof KubeError) || error.status < SERVER_ERROR) throw error;
    // A webhook of its kind that does not answer now is no reason to call it another object.
    return holds(present, object);
  }
}

/** Whether all that is wanted is there, word for word; there may be more. */
function holds(present: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null) return present === wanted;
  if (typeof present !== "object" || present === null) return false;
  if (Array.isArray(wanted) && (!Array.isArray(present) || present.length !== wanted.length)) return false;
  return Object.entries(wanted).every(([key, value]) => holds(at(present, key), value));
}

function at(holder: object, key: string): unknown {
  return Object.hasOwn(holder, key) ? (holder as Record<string, unknown>)[key] : undefined;
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
  if (/(s|x|ch)$/.test(word)) return `${word}es`;
  return /[^aeiou]y$/.test(word) ? `${word.slice(0, -1)}ies` : `${word}s`;
}
