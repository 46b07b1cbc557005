/** One cluster's Kubernetes API: what converge and the controllers ask of it. */
import type { ObjectMeta } from "kubernetes-types/meta/v1.d.ts";
import { PanopticonError, type Problem } from "#base/errors.ts";

export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: ObjectMeta;
}

/** Any part of an object. */
export type Part<T> = T extends readonly (infer E)[]
  ? readonly Part<E>[]
  : T extends object
    ? { readonly [K in keyof T]?: Part<T[K]> }
    : T;

/** What is applied: the fields we own, and the kind that the API needs to know to merge them. */
export type Applied<T extends KubeObject> = Part<T> & { readonly apiVersion: string; readonly kind: string };

/** A kind of object as the API's paths name it; `T` is what its objects look like. */
export interface Resource<T extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** Plural and lower case, such as `deployments`. */
  readonly plural: string;
  /** Never set: it holds the type. */
  readonly object?: T;
}

/** Where objects of one kind are: in a namespace, or (undefined) in the cluster or in all namespaces. */
export interface Collection<T extends KubeObject = KubeObject> {
  readonly resource: Resource<T>;
  readonly namespace?: string;
}

export interface ObjectRef<T extends KubeObject = KubeObject> extends Collection<T> {
  readonly name: string;
  /** Such as `status` or `scale`. */
  readonly subresource?: string;
}

export interface RequestOptions {
  /** Ends the request and its retries. */
  readonly signal?: AbortSignal;
  /** For each try, 30 s where it is not given. */
  readonly timeoutSeconds?: number;
}

export interface ListOptions extends RequestOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Objects asked for at once. */
  readonly pageSize?: number;
}

export interface DeleteOptions extends RequestOptions {
  readonly propagation?: "Foreground" | "Background" | "Orphan";
}

export interface ObjectList<T> {
  /** As the API gives them in lists: without `apiVersion` and `kind`. */
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly text: string;
}

/** Failures are `KubeError`s, except that a caller's own abort is thrown as its signal's reason. */
export interface Kube {
  get<T extends KubeObject>(ref: ObjectRef<T>, options?: RequestOptions): Promise<T>;
  /** Like `get`, but undefined where there is no such object. */
  find<T extends KubeObject>(ref: ObjectRef<T>, options?: RequestOptions): Promise<T | undefined>;
  /** All of them, asked for page by page. */
  list<T extends KubeObject>(from: Collection<T>, options?: ListOptions): Promise<ObjectList<T>>;
  create<T extends KubeObject>(into: Collection<T>, object: T, options?: RequestOptions): Promise<T>;
  /** Server-side apply as the field manager `panopticon`, taking over fields that others own. */
  apply<T extends KubeObject>(ref: ObjectRef<T>, object: Applied<T>, options?: RequestOptions): Promise<T>;
  /** JSON merge patch (RFC 7386), where `null` removes a field. */
  patch<T extends KubeObject>(ref: ObjectRef<T>, patch: object, options?: RequestOptions): Promise<T>;
  /** Whether there was something to delete. */
  delete<T extends KubeObject>(ref: ObjectRef<T>, options?: DeleteOptions): Promise<boolean>;
  /** GET of any path, such as `/readyz`: every HTTP status is an answer. */
  raw(path: string, options?: RequestOptions): Promise<RawAnswer>;
  close(): Promise<void>;
}

/** The API's refusal (`status` is HTTP's, `reason` the Status object's) or no answer at all (`status` 0). */
export class KubeError extends PanopticonError {
  readonly status: number;
  /** Such as `NotFound`; empty where the answer was no Status object. */
  readonly reason: string;

  constructor(problem: Problem, status: number, reason: string, options?: ErrorOptions) {
    super([problem], 3, options);
    this.status = status;
    this.reason = reason;
  }
}

/** The path of a collection, or of one object in it (Kubernetes API Concepts, "Resource URIs"). */
export function apiPath(
  place: Collection & { readonly name?: string; readonly subresource?: string },
): string {
  const { group, version, plural } = place.resource;
  const root = group === "" ? ["api", version] : ["apis", group, version];
  const namespace = place.namespace === undefined ? [] : ["namespaces", place.namespace];
  const object = [place.name, place.subresource].filter((part) => part !== undefined);
  return `/${[...root, ...namespace, plural, ...object].map(encodeURIComponent).join("/")}`;
}
