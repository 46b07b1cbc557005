/** Takes of the crown, by the votes of the sites in reach. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Emit } from "#base/events.ts";
import type { CrownSpec } from "#control/federation/api/crown.ts";
import { eligible } from "#control/federation/crown/epoch.ts";
import {
  type Claim,
  claimOf,
  denialWords,
  HOLDER_ALIVE_MS,
  take,
  vote,
  type Vote,
  votersOf,
} from "#control/federation/crown/take.ts";
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
import { openVoting, type Voting, type WitnessFile } from "./witness/voting.ts";

/** How often a witness is asked again that does not know what became of its vote: whoever has it is about to say. */
const DOUBTS = 3;

export interface Taken {
  readonly holder: string;
  readonly epoch: number;
  readonly how: string;
  readonly votes: readonly Vote[];
}

export interface TakeOptions {
  /** Without a majority, or against a denial. */
  readonly force: boolean;
  /** Asks the witness by the secret in it, rather than by the one that the sites have. */
  readonly witnessFile?: WitnessFile;
}

/**
 * Takes the crown for a site whose holder is lost, by the votes of the sites in
 * reach and of the witness. Errors: FEDERATION_CROWN_…, FEDERATION_WITNESS_….
 */
export async function takeCrown(
  open: OpenSite,
  to: string,
  { force, witnessFile: file }: TakeOptions,
  emit: Emit,
): Promise<Taken> {
  const kube = open(to);
  const witness = openVoting(open, to, emit, { file, insists: force });
  let denied: readonly Vote[] = [];
  for (let round = 1; ; round += 1) {
    const claimant = await reach(kube);
    if (!kube || !claimant) throw targetLost(to);
    eligible(claimant.spec, to);
    const claim = claimOf(claimant.spec, to, hasOf(claimant), claimant.status?.promised, denied);
    const holderAnswers = (await reach(open(claimant.spec.holder))) !== undefined;
    const known = claimant.spec.epoch;
    const votes = await collect(claimant.spec, open, witness, {
      claim,
      holderAnswers,
      asks: to,
      known,
    });
    for (const one of votes)
      emit({
        kind: "note",
        subject: one.voter,
        what: one.granted ? "votes for it" : `does not: ${denialWords(one)}`,
      });
    if (!force && round < TRIES && mayChange(votes, round)) {
      denied = votes;
      await sleep(Math.max(waitMs(votes), STEP_MS * (1 + Math.random() * round)));
      continue;
    }
    const spec = await counted(claimant.spec, claim, votes, force, witness);
    try {
      await writeCrown(kube, claimant, spec);
    } catch (error) {
      if (round >= TRIES || !mayPass(error)) throw error;
      continue;
    }
    // Before anybody else asks the witness on the strength of an older crown.
    await witness.tell(spec);
    await openedAt(kube, spec.epoch, emit);
    return { holder: to, epoch: spec.epoch, how: spec.history.at(-1)?.how ?? "", votes };
  }
}

/** The crown, if the votes are enough; a witness that voted in vain is told so, lest it doubt what became of it. */
async function counted(
  crown: CrownSpec,
  claim: Claim,
  votes: readonly Vote[],
  force: boolean,
  witness: Voting,
): Promise<CrownSpec> {
  try {
    return take({ crown, claim, votes, force, at: new Date().toISOString() });
  } catch (error) {
    await witness.giveUp(crown, claim);
    throw error;
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
async function collect(
  crown: CrownSpec,
  open: OpenSite,
  witness: Voting,
  question: Question,
): Promise<readonly Vote[]> {
  const votes: Vote[] = [];
  for (const name of votersOf({ sites: crown.sites }).toSorted()) {
    // Whoever has just not answered would only make each round longer.
    if (name === crown.holder && !question.holderAnswers) continue;
    const given = await ask(name, open(name), question);
    if (given) votes.push(given);
    if (given && isPromised(given)) return votes;
  }
  const given = await witness.vote(crown, question.claim);
  return given ? [...votes, given] : votes;
}

function isPromised(one: Vote): boolean {
  return !one.granted && one.reason === "PromisedElsewhere";
}

/**
 * Somebody promised a later round to another: again above it, unless that one
 * has been crowned by then. Or the witness will know more in a moment.
 */
function mayChange(votes: readonly Vote[], round: number): boolean {
  if (votes.some(isPromised)) return true;
  const reasons = votes.map((one) => (one.granted ? "" : one.reason));
  if (["HolderAlive", "Ahead", "Outdated"].some((one) => reasons.some((reason) => reason === one)))
    return false;
  return reasons.includes("TooSoon") || (reasons.includes("Unsettled") && round <= DOUBTS);
}

function waitMs(votes: readonly Vote[]): number {
  return Math.max(0, ...votes.map((one) => (one.granted ? 0 : (one.afterSeconds ?? 0) * 1000)));
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
