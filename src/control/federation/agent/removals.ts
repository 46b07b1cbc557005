/** Deletions at the site, gathered so that the brake sees how many there are before the first is made. */
import type { Context } from "#control/runtime/controller.ts";
import type { Work } from "#control/runtime/queue.ts";
import type { Again } from "#control/runtime/workers.ts";
import { KubeError, type ObjectRef } from "#ports/kube.ts";
import type { DeleteBrake } from "../api/delete-brake.ts";
import { FEDERATION_GROUP } from "../api/names.ts";
import { brake, type Braked, type PendingDeletion } from "../deletion/brake.ts";
import type { DeleteOptions } from "../deletion/removal.ts";
import { failureOf } from "../status/words.ts";
import { readVersion, type Version } from "../version.ts";
import { BRAKES } from "./resources.ts";
import type { Term } from "./term.ts";

export interface Removal extends Version, Named {
  readonly ref: ObjectRef;
  readonly uid: string;
  readonly options: DeleteOptions;
  /** Of the mirror. */
  readonly hash: string;
  /** The mirror's name. */
  readonly mirror: string;
}

interface Named {
  /** `plural.group` of the federated kind. */
  readonly type: string;
  /** Of the federated resource. */
  readonly key: string;
}

export interface Removals {
  add(removal: Removal): void;
  cancel(type: string, key: string): void;
  /**
   * Makes what the brake lets through, has that looked at again, and tells what
   * it holds back. @param total objects that the federation keeps here
   */
  sweep(
    context: Context,
    brakeObject: DeleteBrake | undefined,
    total: number,
    signal: AbortSignal,
  ): Promise<Again | undefined>;
}

export const SWEEP: Work = { group: "removals", key: "all" };
/** Deletions that come one by one are one mass deletion if they come within so long. */
const WINDOW_MS = 30_000;
/** For deletions that the hub has told of and that are still on their way here: no longer than this, if one is stuck. */
const PATIENCE_MS = 30_000;
const LOOK_SECONDS = 0.2;
const LATER_SECONDS = 1;
const NOTHING = { count: 0, percent: 0 };
const AT_ONCE = 16;
const EXAMPLES = 10;
/** What an agent before this one has told, until this one knows better. */
const UNKNOWN = "unknown";

export function openRemovals({ site, reports, clock, graves }: Term): Removals {
  const pending = new Map<string, Removal>();
  let made: readonly Made[] = [];
  /** What an agent before this one held or had made with it. */
  let before: readonly Made[] = [];
  let told = "";
  /** Whether something is held; undefined until the first look, when what an agent before this one held counts. */
  let holding: boolean | undefined;
  let waitingSince: number | undefined;

  /** What a site that was away is about to delete counts before the first of it is deleted. */
  const isGathering = (
    all: readonly PendingDeletion[],
    total: number,
    spec: DeleteBrake["spec"],
  ): boolean => {
    const known = new Set([...pending.values()].map(({ mirror }) => mirror));
    const coming = [...graves.outstanding()].filter((name) => !known.has(name));
    const later = coming.map((key) => ({ key, epoch: Number.MAX_SAFE_INTEGER, resourceVersion: "0" }));
    const decides = (some: readonly PendingDeletion[]): boolean =>
      brake(site, some, total, spec.budget, spec.release).held.length > 0;
    if (coming.length === 0 || decides(all) || !decides([...all, ...later])) waitingSince = undefined;
    else waitingSince ??= clock.now();
    return waitingSince !== undefined && clock.now() - waitingSince < PATIENCE_MS;
  };

  const removeOne = async (context: Context, one: Removal, signal: AbortSignal): Promise<Work> => {
    const { propagationPolicy } = one.options;
    try {
      await context.kube("site").delete(one.ref, {
        signal,
        preconditions: { uid: one.uid },
        ...(propagationPolicy && { propagation: propagationPolicy }),
      });
      made = [...made, { ...pendingOf(one), at: clock.now() }];
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      const message = error.problems[0]?.message ?? error.message;
      const { type, key, hash } = one;
      reports.put(type, key, { hash, status: failureOf("delete"), message });
    }
    pending.delete(idOf(one));
    return { group: one.type, key: one.key };
  };
  const tellBrake = async (context: Context, braked: Braked, total: number, signal: AbortSignal) => {
    const { held, token, finding } = braked;
    const text = `${held.length} ${token ?? ""}`;
    if (text === told || (held.length === 0 && told === "")) return;
    const ref = { resource: BRAKES, name: site };
    const head = { apiVersion: `${FEDERATION_GROUP}/v1`, kind: "DeleteBrake", metadata: { name: site } };
    const kube = context.kube("site");
    if (!(await kube.find(ref, { signal })))
      await kube.create({ resource: BRAKES }, { ...head, spec: {} }, { signal });
    const examples = held.slice(0, EXAMPLES).map(({ key }) => key);
    const since = clock.wall().toISOString();
    const status = { held: held.length, made: made.length, total, token: token ?? null, examples, since };
    await kube.patch({ ...ref, subresource: "status" }, { status }, { signal });
    if (finding && told === "") context.note(site, `${finding.message}. ${finding.hint ?? ""}`);
    told = held.length === 0 ? "" : text;
  };
  return {
    add: (removal) => void pending.set(idOf(removal), removal),
    cancel: (type, key) => void pending.delete(idOf({ type, key })),
    async sweep(context, brakeObject, total, signal) {
      if (holding === undefined) {
        before = madeBefore(brakeObject, clock.now());
        holding = before.length > 0;
        if (holding) told = UNKNOWN;
      }
      // While something is held nobody's patience decides, only a release.
      const isFresh = ({ at }: Made): boolean => holding === true || clock.now() - at < WINDOW_MS;
      [made, before] = [made.filter(isFresh), before.filter(isFresh)];
      const spec = brakeObject?.spec ?? {};
      const all = [...[...pending.values()].map(pendingOf), ...made, ...before];
      const most = total + made.length;
      if (isGathering(all, most, spec)) return { afterSeconds: LOOK_SECONDS };
      const braked = brake(site, all, most, spec.budget, spec.release);
      const allowed = braked.allowed.flatMap(({ key }) => pending.get(key) ?? []);
      for (let index = 0; index < allowed.length; index += AT_ONCE) {
        const some = allowed.slice(index, index + AT_ONCE);
        const done = await Promise.all(some.map((one) => removeOne(context, one, signal)));
        for (const work of done) context.add(work);
      }
      const held = braked.held.filter(({ key }) => pending.has(key));
      for (const one of held.flatMap(({ key }) => pending.get(key) ?? []))
        reports.put(one.type, one.key, {
          hash: one.hash,
          status: "WaitingForRemoval",
          message: braked.finding?.message ?? "",
        });
      holding = held.length > 0;
      // What the agent before this one held may still be on its way here, unless it was released.
      const { held: unreleased } = brake(site, before, 0, NOTHING, spec.release);
      if (told === UNKNOWN && !holding && unreleased.length > 0) return { afterSeconds: LATER_SECONDS };
      await tellBrake(context, { ...braked, held }, total, signal);
      return undefined;
    },
  };
}

type Made = PendingDeletion & { readonly at: number };

/** What counts with that which is held, from before this agent began; one is there at least where something is held. */
function madeBefore(brakeObject: DeleteBrake | undefined, at: number): readonly Made[] {
  const { held = 0, made = 0, token = "" } = brakeObject?.status ?? {};
  const version = held > 0 ? readVersion(token) : undefined;
  if (!version) return [];
  return Array.from({ length: held + made }, (_, index) => ({ ...version, key: `before ${index}`, at }));
}

function idOf({ type, key }: Named): string {
  return `${type} ${key}`;
}

function pendingOf(one: Removal): PendingDeletion {
  return { key: idOf(one), epoch: one.epoch, resourceVersion: one.resourceVersion };
}
