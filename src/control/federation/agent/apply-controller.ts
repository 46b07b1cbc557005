/** Makes the site what its mirrors say, and keeps it so. Needs no hub. */
import type { Context, Controller, Input } from "#control/runtime/controller.ts";
import type { Again } from "#control/runtime/workers.ts";
import { type KubeObject, KubeError } from "#ports/kube.ts";
import type { DeleteBrake } from "../api/delete-brake.ts";
import { type Mirror, mirrorName } from "../api/mirror.ts";
import { MANAGED_LABEL } from "../api/names.ts";
import { type FederatedTypeConfig, resourceOf } from "../api/type-config.ts";
import { type Applied, appliedOf, drift } from "../place/drift.ts";
import { desired, type Present } from "../place/desired.ts";
import { removalOf } from "../deletion/removal.ts";
import { failureOf } from "../status/words.ts";
import {
  applyFresh,
  applyPresent,
  copyRef,
  federatedKey,
  isAboutContent,
  isNamespaceConfig,
  refOf,
  release,
  remoteStatusOf,
  targetKey,
} from "./apply.ts";
import { isOrphaned } from "./mirrors.ts";
import { openRemovals, type Removals, SWEEP } from "./removals.ts";
import type { Report } from "./reports.ts";
import { BRAKES, federatedKindOf, joinKey, kindName, MIRRORS, splitKey, TYPE_CONFIGS } from "./resources.ts";
import type { Term } from "./term.ts";
import { openTypeWatch, type WatchedType } from "./type-watch.ts";
import { inputOf, workOf } from "./wanted.ts";

const NOT_KNOWN_YET: Again = { afterSeconds: 0.2 };
/** Between two tries of what the API refuses for its content: only another content helps. */
const REFUSED_SECONDS = 30;
const TROUBLED_SECONDS = 5;
const MISSING_SECONDS = 0.3;
/** Deletions are gathered for so long before they are counted against the budget. */
const GATHER_SECONDS = 0.1;

/** One federated resource and all that decides what becomes of it here. */
interface Task {
  readonly type: string;
  readonly key: string;
  readonly watched: WatchedType<KubeObject>;
  readonly mirror: Mirror;
  /** What the site has, so far as the watch has told. */
  readonly observed: KubeObject | undefined;
  readonly signal: AbortSignal;
}

export function applyController(term: Term): Controller {
  let context: Context | undefined;
  const mirrors: Input<Mirror> = {
    cluster: "site",
    resource: MIRRORS,
    indexes: {
      namespace: ({ spec }) => [spec.namespace],
      type: ({ spec }) => [kindName(spec)],
    },
    work: ({ object: { spec } }) => workOf(spec, context?.cache(mirrors), term.site),
  };
  const brakes: Input<DeleteBrake> = { cluster: "site", resource: BRAKES, work: () => [SWEEP] };
  const types = openTypeWatch<KubeObject>({
    cluster: "site",
    labelSelector: MANAGED_LABEL,
    resourceOf: ({ spec }) => resourceOf(spec.targetType),
    *work({ object }, type, { spec }) {
      yield { group: type, key: federatedKey(object, spec.targetType.pluralName, spec.targetType.group) };
    },
  });
  const applied = new Map<string, Applied>();
  const removals: Removals = openRemovals(term);
  const state = { mirrors, types, applied, removals, brakes, term };

  return {
    name: "apply",
    inputs: [mirrors, brakes],
    outputs: [{ cluster: "site", group: "*", plural: "*", part: "what carries the managed label" }],
    start(given) {
      context = given;
      term.fresh.listen((spec) => {
        for (const work of workOf(spec, given.cache(mirrors), term.site)) given.add(work);
      });
    },
    async reconcile({ group, key }, given, signal) {
      if (group === "types") return syncTypes(given, state);
      if (group === "sites") {
        for (const { spec } of given.cache(mirrors).list())
          given.add({ group: kindName(spec), key: joinKey(spec) });
        return;
      }
      if (group === SWEEP.group) {
        return removals.sweep(given, given.cache(brakes).get(term.site), types.size, signal);
      }
      const watched = types.get(group);
      if (!watched || watched.config.spec.propagation === "Disabled") return;
      const { namespace, name } = splitKey(key);
      const mirrored = mirrorName({ ...federatedKindOf(watched.config), namespace, name });
      const mirror = term.fresh.over(mirrored, given.cache(mirrors).get(mirrored));
      if (!mirror) return;
      if (!watched.cache.synced) return notServed(watched, { type: group, key, mirror }, term);
      const observed = watched.cache.get(targetKey(watched.config, key));
      return reconcileOne({ type: group, key, watched, mirror, observed, signal }, given, state);
    },
  };
}

interface State {
  readonly mirrors: Input<Mirror>;
  readonly brakes: Input<DeleteBrake>;
  readonly types: ReturnType<typeof openTypeWatch<KubeObject>>;
  readonly applied: Map<string, Applied>;
  readonly removals: Removals;
  readonly term: Term;
}

function syncTypes(context: Context, { mirrors, types }: State): void {
  const configs = context
    .cache(mirrors)
    .by("type", kindName(TYPE_CONFIGS))
    .flatMap(({ spec }) => (spec.body ? [spec.body as FederatedTypeConfig] : []));
  for (const type of types.sync(context, configs))
    for (const { spec } of context.cache(mirrors).by("type", type))
      context.add({ group: type, key: joinKey(spec) });
}

/** Nothing can be done about a type that the site's API does not serve; the status says so. */
function notServed(
  watched: WatchedType<KubeObject>,
  { type, key, mirror }: Pick<Task, "type" | "key" | "mirror">,
  { site, reports, graves }: Term,
): Again {
  const trouble = watched.trouble();
  if (!trouble) return NOT_KNOWN_YET;
  const { kind } = watched.config.spec.targetType;
  if (trouble.status === 404 && mirror.spec.tombstone) graves.carriedOut(mirrorName(mirror.spec));
  const message = `${site} does not serve ${kind}: ${trouble.problems[0]?.message ?? trouble.message}`;
  reports.put(type, key, { hash: mirror.spec.hash, status: failureOf("read"), message });
  return { afterSeconds: 5 };
}

async function reconcileOne(task: Task, context: Context, state: State): Promise<Again | void> {
  const { mirror, type, key, watched } = task;
  if (mirror.spec.tombstone) return remove(task, context, state, mirror.spec.tombstone);
  state.term.graves.isAlive(mirrorName(mirror.spec));
  const input = inputOf(
    mirror,
    watched.config,
    context.cache(state.mirrors),
    [...state.types.all],
    state.term,
  );
  if (!input) return NOT_KNOWN_YET;
  let { observed } = task;
  let wanted = desired({ ...input, observed });
  if (wanted.kind === "present" && !observed) {
    if (input.adopt && (await isMade(task, context, state, wanted))) return;
    // The watch sees only what is labelled; somebody else's object must not be overrun.
    const ref = refOf(watched.config, wanted.object);
    observed = await context.kube("site").find(ref, { signal: task.signal });
    if (observed) wanted = desired({ ...input, observed });
  }
  if (wanted.kind === "absent") return remove({ ...task, observed }, context, state, {});
  state.removals.cancel(type, key);
  if (wanted.kind === "refused") return tell(task, state, wanted.status, wanted.message);
  return ensure(task, context, state, wanted, observed);
}

/** Whether it could be made by one request, because nothing of anybody's was in the way. */
async function isMade(task: Task, context: Context, state: State, wanted: Present): Promise<boolean> {
  const { type, key, watched, signal } = task;
  const ref = refOf(watched.config, wanted.object);
  const answer = await applyFresh(context.kube("site"), ref, wanted, signal);
  if (!answer) return false;
  state.removals.cancel(type, key);
  noteApplied(`${type} ${key}`, appliedOf(wanted, answer), state);
  tell({ ...task, observed: answer }, state, "", wanted.warnings.join("; "));
  return true;
}

function noteApplied(id: string, what: Applied, { applied, term }: State): void {
  applied.set(id, what);
  term.fresh.appliedAt = term.clock.now();
}

async function ensure(
  task: Task,
  context: Context,
  state: State,
  wanted: Present,
  observed: KubeObject | undefined,
): Promise<Again | void> {
  const { type, key, watched } = task;
  const id = `${type} ${key}`;
  const change = drift(wanted, observed, state.applied.get(id));
  let there = task.observed;
  if (change !== "none") {
    try {
      const ref = refOf(watched.config, wanted.object);
      there = await applyPresent(context.kube("site"), ref, wanted, observed, task.signal);
      noteApplied(id, appliedOf(wanted, there), state);
    } catch (error) {
      return failed(task, state, error, observed ? "update" : "create");
    }
  }
  // What was there before says nothing about what has just been written.
  return tell({ ...task, observed: there }, state, "", wanted.warnings.join("; "));
}

async function remove(
  task: Task,
  context: Context,
  state: State,
  { orphan = false, deleteOptions }: { readonly orphan?: boolean; readonly deleteOptions?: string },
): Promise<Again | void> {
  const { type, key, watched, signal, mirror } = task;
  // The watch may not have told yet of what has just been made here.
  const unseen = !task.observed && state.applied.has(`${type} ${key}`);
  const observed = unseen
    ? await context.kube("site").find(copyRef(watched.config, key), { signal })
    : task.observed;
  state.applied.delete(`${type} ${key}`);
  const step = removalOf({
    observed,
    namespaceType: isNamespaceConfig(watched.config),
    isHub: state.term.holds,
    orphan: orphan || isOrphaned(mirror),
    ...(deleteOptions !== undefined && { deleteOptions }),
  });
  if (step.do === "nothing") {
    if (step.gone && mirror.spec.tombstone) state.term.graves.carriedOut(mirrorName(mirror.spec));
    state.removals.cancel(type, key);
    if (!step.gone) return tell(task, state, "WaitingForRemoval", "");
    return tell(task, state, undefined, "");
  }
  const ref = refOf(watched.config, observed ?? {});
  if (step.do === "release") {
    try {
      await release(context.kube("site"), ref, signal);
    } catch (error) {
      return failed(task, state, error, "release");
    }
    return;
  }
  const { epoch, resourceVersion } = mirror.spec;
  state.removals.add({
    type,
    key,
    ref,
    uid: step.uid,
    options: step.options,
    hash: mirror.spec.hash,
    mirror: mirrorName(mirror.spec),
    epoch,
    resourceVersion,
  });
  tell(task, state, "WaitingForRemoval", "");
  context.addAfter(SWEEP, GATHER_SECONDS);
}

function tell(task: Task, { term }: State, status: Report["status"], message: string): void {
  const remote = remoteStatusOf(task.watched.config, task.observed);
  term.reports.put(task.type, task.key, { hash: task.mirror.spec.hash, status, message, ...remote });
}

/** What may pass by itself is thrown, and tried again soon; what the API refuses for its content waits for another. */
function failed(task: Task, state: State, error: unknown, operation: "create" | "update" | "release"): Again {
  if (!(error instanceof KubeError)) throw error;
  const message = error.problems[0]?.message ?? error.message;
  tell(task, state, failureOf(operation, error.code === "KUBE_TIMEOUT"), message);
  if (error.status === 404) return { afterSeconds: MISSING_SECONDS };
  if (isAboutContent(error)) return { afterSeconds: REFUSED_SECONDS };
  // It has answered: then it is this object's trouble (such as a webhook's), and no reason to slow down its type.
  if (error.status === 500) return { afterSeconds: TROUBLED_SECONDS };
  throw error;
}
