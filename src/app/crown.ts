/** Moves and takes of the crown, done from where the operator sits; cut short, the same call goes on. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Emit } from "#base/events.ts";
import { PanopticonError } from "#base/errors.ts";
import { revisionOf } from "#control/federation/agent/mirrors.ts";
import {
  CROWNS,
  FIXED_KINDS,
  federatedKindOf,
  kindName,
  TYPE_CONFIGS,
} from "#control/federation/agent/resources.ts";
import type { Crown, CrownSpec, Inheritance } from "#control/federation/api/crown.ts";
import { CROWN_NAME } from "#control/federation/api/names.ts";
import { type MoveStep, nextMove } from "#control/federation/crown/move.ts";
import { claimOf, take, vote, type Vote, votersOf } from "#control/federation/crown/take.ts";
import { eligible } from "#control/federation/crown/epoch.ts";
import type { Kube } from "#ports/kube.ts";

/** A site's API as the operator reaches it; undefined where the kubeconfig has no context of its name. */
export type OpenSite = (name: string) => Kube | undefined;

const ANSWER = { timeoutSeconds: 3 };
const PATIENCE_SECONDS = 60;
const STEP_MS = 200;
/** API servers learn of a frozen crown by watching: what they accepted before that is counted. */
const FENCE_SECONDS = 1;
const HOLDER_ALIVE_MS = 30_000;
const REF = { resource: CROWNS, name: CROWN_NAME };

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
  let revisions: Readonly<Record<string, string>> | undefined;
  for (let said = ""; ; await sleep(STEP_MS)) {
    const [holder, target] = await Promise.all([reach(open(from)), reach(open(to))]);
    if (holder && frozenAt !== undefined && !revisions && performance.now() - frozenAt > FENCE_SECONDS * 1000)
      revisions = await revisionsOf(open(from) as Kube);
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
    if (step.step === "done") {
      const crown = target?.spec ?? began.spec;
      const ended = await openedAt(open(to));
      const paused = frozenAt === undefined ? 0 : (ended - frozenAt) / 1000;
      return { holder: crown.holder, epoch: crown.epoch, pausedSeconds: paused };
    }
    if (step.step === "freeze") frozenAt = performance.now();
    await carryOut(step, { holder: open(from), target: open(to) });
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

async function carryOut(
  step: MoveStep,
  { holder, target }: { holder: Kube | undefined; target: Kube | undefined },
): Promise<void> {
  if (!("crown" in step)) return;
  const kube = step.step === "crown" ? target : holder;
  const present = await kube?.get(REF, ANSWER);
  if (kube && present) await writeCrown(kube, present, step.crown);
}

/** Stands against the agent's own notes in the status, not against another crowning. */
async function writeCrown(kube: Kube, present: Crown, spec: CrownSpec): Promise<void> {
  const same = { op: "test", path: "/spec/epoch", value: present.spec.epoch } as const;
  await kube.patch(REF, [same, { op: "replace", path: "/spec", value: spec }], ANSWER);
}

/** When the new hub was seen to take writes. */
async function openedAt(target: Kube | undefined): Promise<number> {
  for (;;) {
    const crown = await reach(target);
    if (!crown || (crown.status?.phase === "Open" && crown.status.epoch === crown.spec.epoch))
      return performance.now();
    await sleep(STEP_MS);
  }
}

export interface Taken {
  readonly holder: string;
  readonly epoch: number;
  readonly how: string;
  readonly votes: readonly Vote[];
}

/** Takes the crown for a site whose holder is lost, by the votes of the sites in reach. Errors: FEDERATION_CROWN_…. */
export async function takeCrown(open: OpenSite, to: string, force: boolean, emit: Emit): Promise<Taken> {
  const kube = open(to);
  const claimant = await reach(kube);
  if (!kube || !claimant) throw targetLost(to);
  eligible(claimant.spec, to);
  let denied: readonly Vote[] = [];
  for (let round = 0; ; round += 1) {
    const claim = claimOf(claimant.spec, to, hasOf(claimant), claimant.status?.promised, denied);
    const voters = votersOf(claimant.spec, undefined);
    const holderAnswers = (await reach(open(claimant.spec.holder))) !== undefined;
    const votes = (
      await Promise.all(voters.map((name) => ask(name, open(name), { claim, holderAnswers, asks: to })))
    ).filter((one) => one !== undefined);
    for (const one of votes)
      emit({
        kind: "note",
        subject: one.voter,
        what: one.granted ? "votes for it" : `does not: ${one.reason}`,
      });
    // Somebody promised a later round to another: one more try above it.
    if (round < 2 && votes.some((one) => !one.granted && one.reason === "PromisedElsewhere")) {
      denied = votes;
      continue;
    }
    const at = new Date().toISOString();
    const spec = take({ crown: claimant.spec, claim, votes, force, at });
    const present = await kube.get(REF, ANSWER);
    await writeCrown(kube, present, spec);
    await openedAt(kube);
    return { holder: to, epoch: spec.epoch, how: spec.history.at(-1)?.how ?? "", votes };
  }
}

/** One site's vote, its promise stored before it counts; undefined where the site can't be reached. */
async function ask(
  name: string,
  kube: Kube | undefined,
  {
    claim,
    holderAnswers,
    asks,
  }: { readonly claim: ReturnType<typeof claimOf>; readonly holderAnswers: boolean; readonly asks: string },
): Promise<Vote | undefined> {
  const crown = await reach(kube);
  if (!kube || !crown) return undefined;
  const { promised, holder } = crown.status ?? {};
  const heard =
    crown.spec.holder !== asks && (holder?.heard || (holderAnswers && crown.spec.holder === name));
  const given = vote(
    {
      name,
      crown: crown.spec,
      ...(promised && { promised }),
      has: hasOf(crown),
      ...(heard && { holderHeardMsAgo: 0 }),
    },
    claim,
    HOLDER_ALIVE_MS,
  );
  if (!given.granted) return given;
  const status = { ...crown.status, promised: given.promise };
  // Whoever else got this site's promise meanwhile makes this a conflict, and no vote.
  await kube.replace({ ...REF, subresource: "status" }, { ...crown, status }, ANSWER);
  return given;
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

/** Undefined where it does not answer or is no site. */
async function reach(kube: Kube | undefined): Promise<Crown | undefined> {
  try {
    return await kube?.find(REF, ANSWER);
  } catch {
    return undefined;
  }
}

function hasOf({ spec, status }: Crown): Inheritance {
  return status?.has ?? { epoch: spec.epoch, resourceVersions: {} };
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

function wordsOf(step: MoveStep): string {
  if (step.step === "drain") return `waiting for ${step.behind.join(", ")}`;
  if (step.step === "announce") return `waiting for ${step.waiting.join(", ")} to hear of it`;
  if (step.step === "wait" || step.step === "unfreeze") return `${step.step}: ${step.why ?? ""}`;
  return step.step;
}

function targetLost(to: string): PanopticonError {
  return new PanopticonError(
    [
      {
        code: "FEDERATION_CROWN_TARGET_LOST",
        message: `site ${to} can't be reached`,
        hint: "Name a site whose context is in the kubeconfig and whose API answers.",
      },
    ],
    3,
  );
}
