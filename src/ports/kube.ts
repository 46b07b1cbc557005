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

export interface Selectors {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface ListOptions extends RequestOptions, Selectors {
  /** Objects asked for at once. */
  readonly pageSize?: number;
}

export interface WriteOptions extends RequestOptions {
  /** Who owns the fields that are written; `panopticon` where it is not given. */
  readonly fieldManager?: string;
  /** The server says what would be, and keeps nothing. */
  readonly dryRun?: boolean;
}

export interface ApplyOptions extends WriteOptions {
  /** Takes over fields that others own (the default); without it they are a KUBE_CONFLICT. */
  readonly force?: boolean;
}

export interface DeleteOptions extends RequestOptions {
  /** `Background` where it is not given. */
  readonly propagation?: "Foreground" | "Background" | "Orphan";
  /** Deletes only this very object (`uid`), as it was seen (`resourceVersion`); else KUBE_CONFLICT. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
  /** How long a pod may take to end, instead of what it asks for; 0 where nobody is left to end it. */
  readonly graceSeconds?: number;
}

/** One step of a JSON patch (RFC 6902). */
export interface PatchStep {
  readonly op: "add" | "remove" | "replace" | "test" | "move" | "copy";
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
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

/** What a watch tells. A bookmark says only how far the server has come. */
export type WatchEvent<T> =
  | { readonly type: "added" | "modified" | "deleted"; readonly object: T }
  | { readonly type: "bookmark"; readonly resourceVersion: string };

export interface WatchOptions extends Selectors {
  readonly signal?: AbortSignal;
  /** What happened after this is told. */
  readonly resourceVersion: string;
  /** After which the server ends the watch; 300 to 600 s, drawn anew each time, where it is not given. */
  readonly timeoutSeconds?: number;
  /** Silence after which the server counts as frozen: 90 s where not given. A live one sends a bookmark each minute. */
  readonly idleSeconds?: number;
}

/** Takes what `listAndWatch` learns, in order; never throws and never waits. */
export interface Follower<T> {
  /** All there is, at first and again after each gap: what is missing here is gone. */
  replace(items: readonly T[], resourceVersion: string): void;
  /** One object came, changed or went. */
  change(type: "added" | "modified" | "deleted", object: T): void;
  /** Everything up to here has been told, though nothing changed. */
  progress?(resourceVersion: string): void;
  /** The cluster can't be followed at present; it is tried again, so this is for people. */
  trouble?(error: KubeError): void;
}

export interface FollowOptions<T> extends Selectors {
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly pageSize?: number;
  readonly timeoutSeconds?: number;
  readonly idleSeconds?: number;
  /** Makes each object smaller as it arrives, so that a long list never is in memory whole. */
  readonly trim?: (object: T) => T;
}

/** What the API says of one kind of object (its discovery documents). */
export interface KindInfo {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Such as `list`, `watch` and `patch`. */
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  /** Such as `status`. */
  readonly subresources: readonly string[];
}

export interface Discovery {
  /** Every group, the server's preferred version of each first. */
  readonly kinds: readonly KindInfo[];
  /** `group/version`s whose own server did not answer: their kinds may lack. */
  readonly stale: readonly string[];
}

/** Counts since the client was opened. */
export interface KubeStatistics {
  /** `status` is HTTP's, 0 where there was no answer. */
  readonly requests: readonly { readonly method: string; readonly status: number; readonly count: number }[];
  /** Answered requests but watches; `buckets[i]` counts those up to `bounds[i]` seconds (cumulative). */
  readonly latency: {
    readonly bounds: readonly number[];
    readonly buckets: readonly number[];
    readonly count: number;
    readonly sumSeconds: number;
  };
  /** By `group/plural`, what ended watches: `timeout` is the orderly end, `expired` made a new list. */
  readonly watches: readonly {
    readonly resource: string;
    readonly ended: WatchEnd;
    readonly count: number;
  }[];
}

export type WatchEnd = "timeout" | "expired" | "silent" | "unreachable" | "refused" | "rewound";

/** Failures are `KubeError`s, except that a caller's own abort is thrown as its signal's reason. */
export interface Kube {
  get<T extends KubeObject>(ref: ObjectRef<T>, options?: RequestOptions): Promise<T>;
  /** Like `get`, but undefined where there is no such object. */
  find<T extends KubeObject>(ref: ObjectRef<T>, options?: RequestOptions): Promise<T | undefined>;
  /** All of them, asked for page by page. */
  list<T extends KubeObject>(from: Collection<T>, options?: ListOptions): Promise<ObjectList<T>>;
  /** KUBE_ALREADY_EXISTS where it is there. */
  create<T extends KubeObject>(into: Collection<T>, object: T, options?: WriteOptions): Promise<T>;
  /** Server-side apply. */
  apply<T extends KubeObject>(ref: ObjectRef<T>, object: Applied<T>, options?: ApplyOptions): Promise<T>;
  /** The whole object in place of the old one; KUBE_CONFLICT where its `metadata.resourceVersion` is not the present one. */
  replace<T extends KubeObject>(ref: ObjectRef<T>, object: T, options?: WriteOptions): Promise<T>;
  /** JSON merge patch (RFC 7386), where `null` removes a field; a list of steps is a JSON patch (RFC 6902). */
  patch<T extends KubeObject>(
    ref: ObjectRef<T>,
    patch: object | readonly PatchStep[],
    options?: WriteOptions,
  ): Promise<T>;
  /** Whether there was something to delete. */
  delete<T extends KubeObject>(ref: ObjectRef<T>, options?: DeleteOptions): Promise<boolean>;
  /**
   * One watch, over one connection: ends when the server ends it in order, and
   * fails with KUBE_EXPIRED where the server has forgotten that resourceVersion,
   * KUBE_SILENT where nothing came for too long.
   */
  watch<T extends KubeObject>(from: Collection<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /**
   * Lists, then watches, for as long as its signal lets it: after whatever
   * failure it goes on where it was, or lists again. Nothing that lasted is
   * missed: what changed in a gap comes by `replace`. Never fails.
   */
  listAndWatch<T extends KubeObject>(
    from: Collection<T>,
    follower: Follower<T>,
    options: FollowOptions<T>,
  ): Promise<void>;
  /** Every kind of object that the API has. */
  discover(options?: RequestOptions): Promise<Discovery>;
  /** GET of any path, such as `/readyz`: every HTTP status is an answer. */
  raw(path: string, options?: RequestOptions): Promise<RawAnswer>;
  statistics(): KubeStatistics;
  /** Waits for requests under way, and ends watches. */
  close(): Promise<void>;
}

/** The API's refusal (`status` is HTTP's, `reason` the Status object's) or no answer at all (`status` 0). */
export class KubeError extends PanopticonError {
  readonly status: number;
  /** Such as `NotFound`; empty where the answer was no Status object. */
  readonly reason: string;
  /** Stable, such as `KUBE_NOT_FOUND`. */
  readonly code: string;

  constructor(problem: Problem, status: number, reason: string, options?: ErrorOptions) {
    super([problem], 3, options);
    this.status = status;
    this.reason = reason;
    this.code = problem.code;
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
