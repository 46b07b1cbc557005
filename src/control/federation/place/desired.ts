/**
 * What belongs at a site: the heart of the federation. From a federated
 * resource, the placement of its namespace and the site's labels follows the
 * object that has to be there, or that there has to be none. The order is
 * kubefed's: template, what the cluster keeps, overrides, the managed label.
 */
import { sha256, stableJson } from "#base/hash.ts";
import type { KubeObject } from "#ports/kube.ts";
import type { FederatedResource } from "../api/federated.ts";
import { isNamespace } from "../api/enable.ts";
import { APPLIED_ANNOTATION, MANAGED_LABEL } from "../api/names.ts";
import type { ApiResource } from "../api/type-config.ts";
import { at, type Draft, type DraftObject, objectAt } from "../json.ts";
import { escapeKey } from "./json-patch.ts";
import {
  applyOverrides,
  type OverrideMistake,
  overridesFor,
  type PlacedOverride,
  touchedKeys,
} from "./overrides.ts";
import { type Cluster, selects } from "./placement.ts";
import { retain } from "./retain.ts";
import { mergeStringData, objectOf } from "./template.ts";

export interface DesiredInput {
  readonly cluster: Cluster;
  readonly resource: FederatedResource;
  readonly target: ApiResource;
  /** The FederatedNamespace of the resource's namespace; undefined where there is none. */
  readonly namespace: FederatedResource | undefined;
  /** What the cluster has under this name. */
  readonly observed: KubeObject | undefined;
  /** Whether an object that somebody else made is taken over. */
  readonly adopt: boolean;
}

export type Desired = Present | Absent | Refused;

export interface Present {
  readonly kind: "present";
  /** To be applied server-side; with a resourceVersion only where a stale copy could do harm. */
  readonly object: KubeObject;
  /** Digest of what was asked for here; the object carries it as an annotation. */
  readonly hash: string;
  /** JSON pointers of annotations and finalizers that must go, whoever set them. */
  readonly removals: readonly string[];
  /** What could not be had, in words; the rest is applied. */
  readonly warnings: readonly string[];
}

export interface Absent {
  readonly kind: "absent";
  readonly reason: "NotPlaced" | "NamespaceNotFederated" | "NamespaceNotPlaced";
}

/** It can't be said what belongs there: what is there stays as it is. */
export interface Refused {
  readonly kind: "refused";
  readonly status:
    | "ComputePlacementFailed"
    | "ComputeResourceFailed"
    | "ApplyOverridesFailed"
    | "ManagedLabelFalse"
    | "AlreadyExists";
  readonly message: string;
}

export function desired(input: DesiredInput): Desired {
  const { resource, target, cluster, observed } = input;
  const away = placed(input);
  if (away) return away;
  const label = at(observed, "metadata", "labels", MANAGED_LABEL);
  if (label === "false")
    return refused("ManagedLabelFalse", `the object at ${cluster.name} is labelled ${MANAGED_LABEL}=false`);
  if (observed && label !== "true" && !input.adopt)
    return refused(
      "AlreadyExists",
      `${cluster.name} has an object of this name that the federation did not make`,
    );
  if (isNamespaceType(target) && resource.metadata?.name !== resource.metadata?.namespace)
    return refused(
      "ComputeResourceFailed",
      `a FederatedNamespace must have its namespace's name: it is "${resource.metadata?.name}" in "${resource.metadata?.namespace}"`,
    );
  const overrides = overridesFor(resource, cluster.name);
  return isMistake(overrides) ? broken(overrides) : build(input, overrides);
}

function build(input: DesiredInput, overrides: readonly PlacedOverride[]): Desired {
  const { resource, target, observed } = input;
  const draft = objectOf(resource, target);
  if (isNamespaceType(target)) delete (at(draft, "spec") as DraftObject | undefined)?.["finalizers"];
  const kept = observed ? retain(draft, observed, resource, target) : { copied: false, refused: [] };
  const name = { ...objectAt(draft, "metadata") };
  const before = lendMetadata(draft, observed);
  const mistake = applyOverrides(draft, overrides);
  if (mistake) return broken(mistake);
  draft["kind"] = target.kind;
  const metadata = objectAt(draft, "metadata");
  for (const field of ["name", "namespace"]) if (name[field] !== undefined) metadata[field] = name[field];
  const removals = returnMetadata(metadata, before, overrides);
  mergeStringData(draft);
  objectAt(draft, "metadata", "labels")[MANAGED_LABEL] = "true";
  const hash = wantedHash(resource, target, overrides);
  objectAt(draft, "metadata", "annotations")[APPLIED_ANNOTATION] = hash;
  const version = observed?.metadata?.resourceVersion;
  if (kept.copied && version !== undefined) metadata["resourceVersion"] = version;
  return { kind: "present", object: draft, hash, removals, warnings: kept.refused };
}

/** What is wanted here, whatever the cluster adds to it. A field that goes from the template changes it. */
function wantedHash(
  resource: FederatedResource,
  target: ApiResource,
  overrides: readonly PlacedOverride[],
): string {
  const { template, retainReplicas } = resource.spec ?? {};
  const steps = overrides.map(({ op, path, value }) => ({ op, path, value }));
  return sha256(stableJson({ target, template, steps, retainReplicas })).slice(0, 32);
}

/** Where it does not belong, and why; undefined where it does. */
function placed({ resource, target, namespace, cluster }: DesiredInput): Absent | Refused | undefined {
  const own = selects(resource, cluster);
  if (typeof own === "object") return refused("ComputePlacementFailed", own.unplaceable);
  if (target.scope === "Namespaced") {
    if (!namespace) return { kind: "absent", reason: "NamespaceNotFederated" };
    const there = selects(namespace, cluster);
    if (typeof there === "object")
      return refused("ComputePlacementFailed", `its namespace: ${there.unplaceable}`);
    if (own && !there) return { kind: "absent", reason: "NamespaceNotPlaced" };
  }
  return own ? undefined : { kind: "absent", reason: "NotPlaced" };
}

interface Lent {
  readonly annotations: Readonly<Record<string, unknown>>;
  readonly finalizers: readonly unknown[];
}

/** Overrides see the cluster's annotations and finalizers, so that they can add to them and take from them. */
function lendMetadata(draft: DraftObject, observed: KubeObject | undefined): Lent {
  const annotations = structuredClone(observed?.metadata?.annotations ?? {});
  const finalizers = [...(observed?.metadata?.finalizers ?? [])];
  Object.assign(objectAt(draft, "metadata"), { annotations, finalizers });
  return { annotations: { ...annotations }, finalizers: [...finalizers] };
}

/** Leaves in the draft only what overrides set there, and gives what they took away. */
function returnMetadata(
  metadata: DraftObject,
  before: Lent,
  overrides: readonly PlacedOverride[],
): readonly string[] {
  const touched = touchedKeys(overrides, "metadata", "annotations");
  const annotations = (metadata["annotations"] ?? {}) as DraftObject;
  const ours = Object.entries(annotations).filter(([key]) => touched.has(key));
  const gone = Object.keys(before.annotations).filter(
    (key) => touched.has(key) && !Object.hasOwn(annotations, key),
  );
  delete metadata["annotations"];
  if (ours.length > 0) metadata["annotations"] = Object.fromEntries(ours);
  const finalizers = (metadata["finalizers"] ?? []) as Draft[];
  const about = overrides.some(({ path }) => path === "/metadata" || path.startsWith("/metadata/finalizers"));
  const added = finalizers.filter((one) => !before.finalizers.includes(one));
  delete metadata["finalizers"];
  if (about && finalizers.length > 0) metadata["finalizers"] = finalizers;
  else if (added.length > 0) metadata["finalizers"] = added;
  const dropped = about ? before.finalizers.filter((one) => !finalizers.includes(one as Draft)) : [];
  return [
    ...gone.map((key) => `/metadata/annotations/${escapeKey(key)}`),
    ...dropped.map((one) => `/metadata/finalizers/${escapeKey(String(one))}`),
  ];
}

function isNamespaceType(target: ApiResource): boolean {
  return isNamespace({ group: target.group ?? "", plural: target.pluralName });
}

function isMistake(value: readonly PlacedOverride[] | OverrideMistake): value is OverrideMistake {
  return "why" in value;
}

function broken({ at: where, path, why }: OverrideMistake): Refused {
  return refused("ApplyOverridesFailed", `${where}${path === "" ? "" : ` (${path})`}: ${why}`);
}

function refused(status: Refused["status"], message: string): Refused {
  return { kind: "refused", status, message };
}
