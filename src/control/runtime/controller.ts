/** What a controller is: it says what it reads and what it owns, and brings one thing at a time to what it should be. */
import type { Collection, Kube, KubeError, KubeObject, Selectors } from "#ports/kube.ts";
import type { Cache, Change, IndexValues } from "./cache.ts";
import type { Work } from "./queue.ts";
import type { Again } from "./workers.ts";

/** Objects that a controller reads, in one of the clusters that the process knows by name, such as `hub` or `site`. */
export interface Input<T extends KubeObject = KubeObject> extends Collection<T>, Selectors {
  readonly cluster: string;
  /** What is to be looked at because this object came, changed or went. */
  work(change: Change<T>): Iterable<Work>;
  /** Ways to find objects other than by key. */
  readonly indexes?: Readonly<Record<string, IndexValues<T>>>;
  /** Leaves out what this controller does not need. `managedFields` are left out anyway. */
  trim?(object: T): T;
}

/** What a controller writes, and no other does. */
export interface Output {
  readonly cluster: string;
  /** Of the API; `*` for any. */
  readonly group: string;
  /** `*` for any. */
  readonly plural: string;
  /** What of these objects, where it is not all of them: `status`, `status.conditions[Ready]`, a label. */
  readonly part?: string;
}

export interface Controller {
  /** Unique; in metrics and messages. */
  readonly name: string;
  readonly inputs: readonly Input[];
  readonly outputs: readonly Output[];
  /** At work at once; 16 where not given, and half of it in one group. */
  readonly concurrency?: number;
  /** Called once, before any work: for inputs that are known only at run time, and for work that no object asks for. */
  start?(context: Context): void | Promise<void>;
  /** Observe, ensure, sync the delta. A failure is tried again, later each time. */
  reconcile(work: Work, context: Context, signal: AbortSignal): Promise<Again | void>;
}

/** What one input sees: a cache that is kept true until it is stopped. */
export interface Watched<T extends KubeObject = KubeObject> {
  readonly cache: Cache<T>;
  /** Resolves when the first list is in; never where it does not come. */
  readonly synced: Promise<void>;
  /** What hinders it at present, for people. */
  trouble(): KubeError | undefined;
  /** The input is told nothing more; the watch ends with its last input. */
  stop(): void;
}

/** What a controller is given. */
export interface Context {
  /** The client of a cluster. */
  kube(cluster: string): Kube;
  /** What an input of this controller sees: one that it declares, or one that it watches. */
  cache<T extends KubeObject>(input: Input<T>): Cache<T>;
  /** Reads another input from now on, which holds up nothing while it does not come. Once per input. */
  watch<T extends KubeObject>(input: Input<T>): Watched<T>;
  add(work: Work): void;
  addAfter(work: Work, seconds: number): void;
  /** For people; nothing depends on it. */
  note(subject: string, what: string): void;
  /** Aborted when the process ends. */
  readonly signal: AbortSignal;
}
