/** Moves and takes of the crown, done from where the operator sits; cut short, the same call goes on. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Emit } from "#base/events.ts";
import { PanopticonError } from "#base/errors.ts";
import { revisionOf } from "#control/federation/agent/mirrors.ts";
import {
  CLUSTERS,
  FIXED_KINDS,
  federatedKindOf,
  kindName,
  TYPE_CONFIGS,
} from "#control/federation/agent/resources.ts";
import type { Crown, CrownSpec } from "#control/federation/api/crown.ts";
import { SYSTEM_NAMESPACE } from "#control/federation/api/names.ts";
import { eligible } from "#control/federation/crown/epoch.ts";
import { type MoveStep, nextMove } from "#control/federation/crown/move.ts";
import { type Kube, KubeError } from "#ports/kube.ts";
import {
  ANSWER,
  hasOf,
  mayPass,
  openedAt,
  type OpenSite,
  reach,
  REF,
  STEP_MS,
  TRIES,
  writeCrown,
} from "./crown-sites.ts";
import { openVoting } from "./witness/voting.ts";

const PATIENCE_SECONDS = 60;
const ANNOUNCE_SECONDS = 15;
/** API servers learn of a frozen crown by watching: what they accepted before that is counted. */
const FENCE_SECONDS = 1;
/** Where the one who asks is let through the fence, its closing can't be seen, and this has to do. */
const UNSEEN_FENCE_SECONDS = 10;

export interface Moved {
  readonly holder: string;
  readonly epoch: number;
  /** How long the hub took no writes; 0 where it did not have to be asked. */
  readonly pausedSeconds: number;
}

/** Moves the crown without losing a write. Errors: FEDERATION_CROWN_…. */
export async function moveCrown(any: Kube, open: OpenSite, to: string, emit: Emit): Promise<Moved> {
  const began = await newestCrown(any, open);
  eligible(began.spec, to);
  const from = began.spec.holder === to ? previousHolder(began.spec) : began.spec.holder;
  let frozenAt: number | undefined;
  let announcedAt: number | undefined;
  let revisions: Readonly<Record<string, string>> | undefined;
  let tries = 0;
  for (let said = ""; ; await sleep(STEP_MS)) {
    const [holder, target] = await Promise.all([reach(open(from)), reach(open(to))]);
    if (holder?.spec.frozen && frozenAt !== undefined && !revisions)
      revisions =
        inheritedBy(target, holder) ??
        (await settledRevisions(open(from) as Kube, (performance.now() - frozenAt) / 1000));
    const settling = holder?.spec.frozen !== undefined && !revisions;
    if (settling && frozenAt === undefined) frozenAt = performance.now();
    if (settling && holder?.spec.holder === from) continue;
    const others = await othersOf(began.spec, open, [from, to]);
    const step = nextMove({
      to,
      holder: holder && from !== to ? { crown: holder.spec, revisions: revisions ?? {} } : undefined,
      target: target && { crown: target.spec, has: hasOf(target) },
      others,
      now: new Date().toISOString(),
      impatient: frozenAt !== undefined && performance.now() - frozenAt > PATIENCE_SECONDS * 1000,
    });
    const text = wordsOf(step);
    if (text !== said) emit({ kind: "note", subject: "crown", what: (said = text) });
    if (step.step === "announce") announcedAt ??= performance.now();
    // Whoever has not heard of it by now has no agent that runs, and finds it when it has.
    const isLate = announcedAt !== undefined && performance.now() - announcedAt > ANNOUNCE_SECONDS * 1000;
    if (step.step === "done" || (step.step === "announce" && isLate)) {
      const crown = target?.spec ?? began.spec;
      const ended = await openedAt(open(to), crown.epoch, emit);
      await openVoting(open, to, emit).tell(crown);
      const paused = frozenAt === undefined ? 0 : (ended - frozenAt) / 1000;
      return { holder: crown.holder, epoch: crown.epoch, pausedSeconds: paused };
    }
    if (step.step === "freeze") {
      frozenAt = performance.now();
      revisions = undefined;
    }
    try {
      await carryOut(step, { holder: open(from), target: open(to) }, { holder, target });
      tries = 0;
    } catch (error) {
      tries += 1;
      // What was decided on has changed meanwhile, or nobody knows whether the write arrived: looked at anew.
      if (tries === TRIES || !mayPass(error)) throw error;
      continue;
    }
    if (step.step === "unfreeze")
      throw new PanopticonError(
        [
          {
            code: "FEDERATION_CROWN_MOVE_GIVEN_UP",
            message: `the crown stays at ${from}: ${step.why ?? "the move was given up"}`,
            hint: "See whether the target's agent runs and reaches the hub: panopticon site list",
          },
        ],
        3,
      );
  }
}

interface Ends<T> {
  readonly holder: T | undefined;
  readonly target: T | undefined;
}

async function carryOut(step: MoveStep, kubes: Ends<Kube>, seen: Ends<Crown>): Promise<void> {
  if (!("crown" in step)) return;
  const end = step.step === "crown" ? "target" : "holder";
  const [kube, before] = [kubes[end], seen[end]];
  if (kube && before) await writeCrown(kube, before, step.crown);
}

async function newestCrown(any: Kube, open: OpenSite): Promise<Crown> {
  const first = await any.get(REF);
  const others = await Promise.all(first.spec.sites.map(({ name }) => reach(open(name))));
  return others.reduce((best: Crown, one) => (one && one.spec.epoch > best.spec.epoch ? one : best), first);
}

function previousHolder({ history, holder }: CrownSpec): string {
  return history.findLast((one) => one.holder !== holder)?.holder ?? holder;
}

async function othersOf(
  crown: CrownSpec,
  open: OpenSite,
  known: readonly string[],
): Promise<Readonly<Record<string, number>>> {
  const names = crown.sites.map(({ name }) => name).filter((name) => !known.includes(name));
  const seen = await Promise.all(
    names.map(async (name) => [name, (await reach(open(name)))?.spec.epoch] as const),
  );
  return Object.fromEntries(seen.filter((one): one is [string, number] => one[1] !== undefined));
}

/**
 * What the target has, where the holder is not open in its epoch: it takes no
 * writes then, and what it holds is not what the others have to come up to.
 * Its API was emptied, say, and it heard of its crown from them.
 */
function inheritedBy(
  target: Crown | undefined,
  { spec, status }: Crown,
): Readonly<Record<string, string>> | undefined {
  if (!target || (status?.phase === "Open" && status.epoch === spec.epoch)) return undefined;
  const has = hasOf(target);
  return has.epoch === spec.epoch ? has.resourceVersions : undefined;
}

/** How far a frozen hub is; undefined while its fence may still let a write through. */
async function settledRevisions(
  hub: Kube,
  seconds: number,
): Promise<Readonly<Record<string, string>> | undefined> {
  if (seconds < FENCE_SECONDS) return undefined;
  try {
    if (seconds < UNSEEN_FENCE_SECONDS && !(await isShut(hub))) return undefined;
    return await revisionsOf(hub);
  } catch (error) {
    if (mayPass(error)) return undefined;
    throw error;
  }
}

const SHOWN = 3;

/** Whether a write would be refused now; nothing is written. */
async function isShut(hub: Kube): Promise<boolean> {
  const head = { apiVersion: "core.kubefed.io/v1beta1", kind: "KubeFedCluster" };
  const probe = { ...head, metadata: { generateName: "probe-" }, spec: { apiEndpoint: "https://probe" } };
  try {
    const into = { resource: CLUSTERS, namespace: SYSTEM_NAMESPACE };
    await hub.create(into, probe, { ...ANSWER, dryRun: true });
    return false;
  } catch (error) {
    if (error instanceof KubeError && error.status === 403) return true;
    throw error;
  }
}

/** How far a hub is, type by type. */
async function revisionsOf(hub: Kube): Promise<Readonly<Record<string, string>>> {
  const configs = (await hub.list({ resource: TYPE_CONFIGS })).items;
  const kinds = [...FIXED_KINDS, ...configs.map(federatedKindOf)];
  const entries = await Promise.all(
    kinds.map(async (kind) => [kindName(kind), await revisionOf(hub, kind)] as const),
  );
  return Object.fromEntries(entries);
}

/** A few by name, the others by number. */
function shortly(names: readonly string[]): string {
  const [shown, more] = [names.slice(0, SHOWN), names.length - SHOWN];
  return more > 0 ? `${shown.join(", ")} and ${more} more types` : shown.join(", ");
}

function wordsOf(step: MoveStep): string {
  if (step.step === "drain") return `waiting for ${shortly(step.behind)} to arrive`;
  if (step.step === "announce") return `waiting for ${step.waiting.join(", ")} to hear of it`;
  if (step.step === "wait" || step.step === "unfreeze") return `${step.step}: ${step.why ?? ""}`;
  return step.step;
}
