/** Wraps an object into its Federated<Kind>, as `kubefedctl federate` does. */
import type { KubeObject } from "#ports/kube.ts";
import { at, type Draft, type DraftObject, draftOf, isObject } from "../json.ts";
import { isNamespace, type TargetType } from "./enable.ts";
import type { FederatedResource } from "./federated.ts";
import { TYPES_GROUP } from "./names.ts";

/**
 * The federated resource of an object, placed on every cluster. Of its metadata
 * only the labels go into the template: names come from the federated resource,
 * and annotations and finalizers belong to the controllers at the clusters.
 */
export function federate(
  object: KubeObject,
  target: TargetType,
  federatedGroup: string = TYPES_GROUP,
): FederatedResource {
  const name = object.metadata?.name ?? "";
  const namespace = isNamespace(target) ? name : object.metadata?.namespace;
  const template = stripped(draftOf(object), target);
  return {
    apiVersion: `${federatedGroup}/v1beta1`,
    kind: `Federated${target.kind}`,
    metadata: { name, ...(namespace !== undefined && { namespace }) },
    spec: { template, placement: { clusterSelector: { matchLabels: {} } } },
  };
}

/** What a cluster fills in by itself, kind by kind. */
const FILLED_IN: Readonly<Record<string, (template: DraftObject) => void>> = {
  "namespaces.": (template) => remove(template, "spec", "finalizers"),
  "serviceaccounts.": (template) => remove(template, "secrets"),
  "services.": stripService,
  "jobs.batch": stripJob,
  "persistentvolumeclaims.": (template) => remove(template, "spec", "volumeName"),
  "pods.": (template) => remove(template, "spec", "nodeName"),
};

function stripped(template: DraftObject, target: TargetType): DraftObject {
  const labels = at(template, "metadata", "labels");
  for (const key of ["apiVersion", "kind", "status", "metadata"]) delete template[key];
  if (isObject(labels) && Object.keys(labels).length > 0) template["metadata"] = { labels: labels as Draft };
  FILLED_IN[`${target.plural}.${target.group}`]?.(template);
  return template;
}

function remove(template: DraftObject, ...path: readonly string[]): void {
  const holder = at(template, ...path.slice(0, -1));
  if (isObject(holder)) delete (holder as DraftObject)[path.at(-1) ?? ""];
}

function stripService(template: DraftObject): void {
  const headless = at(template, "spec", "clusterIP") === "None";
  if (!headless) remove(template, "spec", "clusterIP");
  for (const field of ["clusterIPs", "healthCheckNodePort"]) remove(template, "spec", field);
  const ports = at(template, "spec", "ports");
  if (Array.isArray(ports)) for (const port of ports) remove(port as DraftObject, "nodePort");
}

/** Labels by which a job finds its own pods: each cluster's job makes its own. */
const JOB_LABELS: readonly string[] = [
  "controller-uid",
  "job-name",
  "batch.kubernetes.io/controller-uid",
  "batch.kubernetes.io/job-name",
];

/** Takes out of a Job what its API server generated, unless the user chose the selector. */
export function stripJob(template: DraftObject): void {
  if (at(template, "spec", "manualSelector") === true) return;
  remove(template, "spec", "selector");
  for (const path of [["metadata"], ["spec", "template", "metadata"]]) {
    for (const label of JOB_LABELS) remove(template, ...path, "labels", label);
  }
}
