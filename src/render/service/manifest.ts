/** What all objects of a service have in common. */
import type { Service } from "#model/service/service.ts";

/** A Kubernetes object as it is written to a file. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

export const NAME_LABEL = "app.kubernetes.io/name";
export const MANAGED_BY_LABEL = "app.kubernetes.io/managed-by";
export const MANAGED_BY = "panopticon";
const VERSION_LABEL = "app.kubernetes.io/version";

/** What finds the service's pods; never changes, because a Deployment's selector can't. */
export function selectorOf({ name }: Service): Readonly<Record<string, string>> {
  return { [NAME_LABEL]: name };
}

/** Of every object of the service. */
export function labelsOf(service: Service): Readonly<Record<string, string>> {
  return { [MANAGED_BY_LABEL]: MANAGED_BY, ...selectorOf(service) };
}

/** Of what runs the image, and of its pods. */
export function versionedLabels(service: Service): Readonly<Record<string, string>> {
  const version = versionOf(service.image);
  return { ...labelsOf(service), ...(version !== undefined && { [VERSION_LABEL]: version }) };
}

/** The image's tag, where it is fit to be a label. */
function versionOf(image: string): string | undefined {
  const tag = (image.split("@")[0] ?? "").split("/").at(-1)?.split(":")[1];
  return tag !== undefined && /^[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?$/.test(tag) ? tag : undefined;
}

/** An object of the service, in its namespace and with its name. */
export function manifest(
  service: Service,
  apiVersion: string,
  kind: string,
  fields: Readonly<Record<string, unknown>>,
  labels = labelsOf(service),
): Manifest {
  const { name, namespace } = service;
  return { apiVersion, kind, metadata: { name, namespace, labels }, ...fields };
}
