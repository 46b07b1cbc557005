/** Takes of the crown, by the votes of the sites in reach. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Emit } from "#base/events.ts";
import type { CrownSpec } from "#control/federation/api/crown.ts";
import { eligible } from "#control/federation/crown/epoch.ts";
import { type Claim, claimOf, take, vote, type Vote, votersOf } from "#control/federation/crown/take.ts";
import type { Kube } from "#ports/kube.ts";
import {
  ANSWER,
  hasOf,
  mayPass,
  openedAt,
  type OpenSite,
  reach,
  REF,
  STEP_MS,
  targetLost,
  TRIES,
  writeCrown,
} from "./crown-sites.ts";

const HOLDER_ALIVE_MS = 30_000;

export interface Taken {
  readonly holder: string;
  readonly epoch: number;
  readonly how: string;
  readonly votes: readonly Vote[];
}

/** Takes the crown for a site whose holder is lost, by the votes of the sites in reach. Errors: FEDERATION_CROWN_…. */
export async function takeCrown(open: OpenSite, to: string, force: boolean, emit: Emit): Promise<Taken> {
  const kube = open(to);
  let denied: readonly Vote[] = [];
  for (let round = 1; ; round += 1) {
    const claimant = await reach(kube);
    if (!kube || !claimant) throw targetLost(to);
    eligible(claimant.spec, to);
    const claim = claimOf(claimant.spec, to, hasOf(claimant), claimant.status?.promised, denied);
    const holderAnswers = (await reach(open(claimant.spec.holder))) !== undefined;
    const known = claimant.spec.epoch;
    const votes = await collect(claimant.spec, open, { claim, holderAnswers, asks: to, known });
    for (const one of votes)
      emit({
        kind: "note",
        subject: one.voter,
        what: one.granted ? "votes for it" : `does not: ${one.reason}`,
      });
    // Somebody promised a later round to another: again above it, unless that one has been crowned by then.
    if (!force && round < TRIES && votes.some(isPromised)) {
      denied = votes;
      await sleep(STEP_MS * (1 + Math.random() * round));
      continue;
    }
    const at = new Date().toISOString();
    const spec = take({ crown: claimant.spec, claim, votes, force, at });
    try {
      await writeCrown(kube, claimant, spec);
    } catch (error) {
      if (round >= TRIES || !mayPass(error)) throw error;
      continue;
    }
    await openedAt(kube, spec.epoch, emit);
    return { holder: to, epoch: spec.epoch, how: spec.history.at(-1)?.how ?? "", votes };
  }
}

interface Question {
  readonly claim: Claim;
  readonly holderAnswers: boolean;
  readonly asks: string;
  /** The epoch that the claimant follows. */
  readonly known: number;
}

/**
 * One site after the other, everybody in the same order: of two who claim at
 * once the one that comes second to the first voter asks no further, so that
 * they do not take the votes away from each other for ever.
 */
async function collect(crown: CrownSpec, open: OpenSite, question: Question): Promise<readonly Vote[]> {
  const votes: Vote[] = [];
  for (const name of votersOf(crown, undefined).toSorted()) {
    // Whoever has just not answered would only make each round longer.
    if (name === crown.holder && !question.holderAnswers) continue;
    const given = await ask(name, open(name), question);
    if (given) votes.push(given);
    if (given && isPromised(given)) break;
  }
  return votes;
}

function isPromised(one: Vote): boolean {
  return !one.granted && one.reason === "PromisedElsewhere";
}

/** One site's vote, its promise stored before it counts; undefined where the site can't be reached. */
async function ask(name: string, kube: Kube | undefined, question: Question): Promise<Vote | undefined> {
  const { claim, holderAnswers, asks, known } = question;
  for (let tried = 1; ; tried += 1) {
    const crown = await reach(kube);
    if (!kube || !crown) return undefined;
    // Whoever claims on the strength of an older crowning has yet to hear of the newer one.
    if (crown.spec.epoch > known)
      return { voter: name, granted: false, reason: "Outdated", epoch: crown.spec.epoch };
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
    try {
      // Whoever else got this site's promise meanwhile makes this a refusal, and then it is asked anew.
      const status = { ...crown.status, promised: given.promise };
      await kube.replace({ ...REF, subresource: "status" }, { ...crown, status }, ANSWER);
      return given;
    } catch (error) {
      if (tried === TRIES || !mayPass(error)) throw error;
    }
  }
}
