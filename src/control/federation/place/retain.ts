/**
 * What a cluster decides by itself and the template must not take from it.
 * Objects are applied server-side, so fields that the template leaves out are
 * the cluster's anyway; here are those that it names.
 */
import type { KubeObject } from "#ports/kube.ts";
import type { FederatedResource } from "../api/federated.ts";
import type { ApiResource } from "../api/type-config.ts";
import { at, type Draft, type DraftObject, isObject, objectAt } from "../json.ts";
import { covers } from "./covers.ts";

/** Fields of a Job's spec that its API refuses to change (Kubernetes: ValidateJobSpecUpdate). */
const JOB_FIXED: readonly string[] = [
  "selector",
  "template",
  "completions",
  "completionMode",
  "manualSelector",
  "podFailurePolicy",
  "successPolicy",
  "backoffLimitPerIndex",
  "managedBy",
];

export interface Retained {
  /** Whether a value that somebody else may be changing was copied: then the write needs its resourceVersion. */
  readonly copied: boolean;
  /** What the user wanted and can't have, in words. */
  readonly refused: readonly string[];
}

/** Changes the draft by what is at the cluster. */
export function retain(
  draft: DraftObject,
  observed: KubeObject,
  resource: FederatedResource,
  target: ApiResource,
): Retained {
  const type = `${target.pluralName}.${target.group ?? ""}`;
  const refused = type === "jobs.batch" ? retainJob(draft, observed) : [];
  const copied = [
    ...(type === "services." ? [retainService(draft, observed)] : []),
    ...(type === "serviceaccounts." ? [retainSecrets(draft)] : []),
    ...(resource.spec?.retainReplicas ? [copy(draft, observed, "spec", "replicas")] : []),
  ].some(Boolean);
  return { copied, refused };
}

/** Takes the cluster's value where the draft has one of its own. */
function copy(draft: DraftObject, observed: KubeObject, ...path: readonly string[]): boolean {
  const value = at(observed, ...path);
  if (value === undefined || value === "" || at(draft, ...path) === undefined) return false;
  objectAt(draft, ...path.slice(0, -1))[path.at(-1) ?? ""] = structuredClone(value) as Draft;
  return true;
}

function retainService(draft: DraftObject, observed: KubeObject): boolean {
  if (at(draft, "spec", "type") === "ExternalName") return false;
  const copied = ["clusterIP", "clusterIPs", "healthCheckNodePort"]
    .filter((field) => at(observed, "spec", field) !== 0)
    .map((field) => copy(draft, observed, "spec", field));
  return [...copied, retainNodePorts(draft, observed)].some(Boolean);
}

function retainNodePorts(draft: DraftObject, observed: KubeObject): boolean {
  const [ours, theirs] = [at(draft, "spec", "ports"), at(observed, "spec", "ports")];
  if (!Array.isArray(ours) || !Array.isArray(theirs)) return false;
  let copied = false;
  for (const port of ours.filter(isObject) as DraftObject[]) {
    const same = theirs.find((other) => isObject(other) && portKey(other) === portKey(port));
    const allocated = at(same, "nodePort");
    if (typeof allocated !== "number" || allocated === 0 || port["nodePort"] === undefined) continue;
    port["nodePort"] = allocated;
    copied = true;
  }
  return copied;
}

/** A port by what makes it one under server-side apply, with the API's default. */
function portKey(port: object): string {
  return `${at(port, "port") as number}/${(at(port, "protocol") as string | undefined) ?? "TCP"}`;
}

/** An empty list would say "no secrets" and make a controller of the cluster generate one for ever. */
function retainSecrets(draft: DraftObject): boolean {
  const secrets = at(draft, "secrets");
  if (Array.isArray(secrets) && secrets.length === 0) delete draft["secrets"];
  return false;
}

function retainJob(draft: DraftObject, observed: KubeObject): readonly string[] {
  const spec = objectAt(draft, "spec");
  return JOB_FIXED.filter((field) => field in spec).flatMap((field) => {
    const there = at(observed, "spec", field);
    if (covers(there, spec[field])) return [];
    if (there === undefined) delete spec[field];
    else spec[field] = structuredClone(there) as Draft;
    return [`spec.${field} of a Job can't be changed once it runs; delete the Job to make it anew`];
  });
}
