/** Taking the crown when its holder is lost: claims, votes and what they come to. */
import { PanopticonError, type Problem } from "#base/errors.ts";
import type { CrownSpec, CrownStatus, CrownWitness, Inheritance } from "../api/crown.ts";
import { crowned, eligible, isAhead, nextEpoch, roundOf } from "./epoch.ts";

export interface Claim {
  readonly site: string;
  readonly epoch: number;
  /** How far the claimant's mirror is. */
  readonly has: Inheritance;
}

/** What a site knows when it is asked for its vote. */
export interface Voter {
  readonly name: string;
  readonly crown: Pick<CrownSpec, "epoch" | "holder">;
  readonly promised?: CrownStatus["promised"];
  /** Missing for a witness, which mirrors nothing. */
  readonly has?: Inheritance;
  /** Since the holder was last heard, ms; undefined where it never was. */
  readonly holderHeardMsAgo?: number;
}

export type Vote = Granted | Denied;

export interface Granted {
  readonly voter: string;
  readonly granted: true;
  /** To be stored durably before the vote is given. */
  readonly promise: NonNullable<CrownStatus["promised"]>;
}

export interface Denied {
  readonly voter: string;
  readonly granted: false;
  readonly reason: "HolderAlive" | "Outdated" | "PromisedElsewhere" | "Ahead" | "Unsettled" | "TooSoon";
  /** The highest epoch that the voter knows of: the next claim must be above it. */
  readonly epoch: number;
  /** When it may be asked again, where that alone makes a difference (`TooSoon`). */
  readonly afterSeconds?: number;
}

/** So long after a holder was last heard nobody votes for another one. */
export const HOLDER_ALIVE_MS = 15_000;

/**
 * One site's vote. A site gives one vote a round, none to a claim from before
 * a crowning it knows of, none while it hears the holder, and none to a site
 * that has less of the federation than itself.
 */
export function vote(voter: Voter, claim: Claim, holderAliveMs: number): Vote {
  const { name, crown, promised, has, holderHeardMsAgo } = voter;
  const epoch = Math.max(crown.epoch, promised?.epoch ?? 0);
  const deny = (reason: Denied["reason"]): Denied => ({ voter: name, granted: false, reason, epoch });
  if (claim.epoch <= crown.epoch) return deny("Outdated");
  const again = promised?.epoch === claim.epoch && promised.site === claim.site;
  if (promised && !again && roundOf(promised.epoch) >= roundOf(claim.epoch)) return deny("PromisedElsewhere");
  const alive = holderHeardMsAgo !== undefined && holderHeardMsAgo < holderAliveMs;
  if (alive && crown.holder !== claim.site) return deny("HolderAlive");
  if (has && isAhead(has, claim.has)) return deny("Ahead");
  return { voter: name, granted: true, promise: { epoch: claim.epoch, site: claim.site } };
}

/** Who votes: every site that could hold the crown, and the witness where that makes their number odd. */
export function votersOf({ sites, witness }: Pick<CrownSpec, "sites" | "witness">): readonly string[] {
  const names = sites.filter(({ seat }) => seat > 0).map(({ name }) => name);
  return witness && names.length % 2 === 0 ? [...names, witnessVoter(witness)] : names;
}

/** By which its votes are counted; no site can have a name with a space. */
export function witnessVoter({ name }: Pick<CrownWitness, "name">): string {
  return `witness ${name}`;
}

/** In a sentence: `site barn`, `the witness home`. */
function voterWords(voter: string): string {
  return voter.startsWith("witness ") ? `the ${voter}` : `site ${voter}`;
}

/** The claim of a site, above every epoch that it and those who denied its last claim know of. */
export function claimOf(
  crown: CrownSpec,
  site: string,
  has: Inheritance,
  promised: CrownStatus["promised"],
  denied: readonly Vote[] = [],
): Claim {
  const { seat } = eligible(crown, site);
  const known = [crown.epoch, promised?.epoch ?? 0, ...denied.map((one) => (one.granted ? 0 : one.epoch))];
  return { site, epoch: nextEpoch(Math.max(...known), seat), has };
}

export interface Tally {
  readonly crown: CrownSpec;
  readonly claim: Claim;
  readonly votes: readonly Vote[];
  /** Told explicitly to take it without a majority, or against a denial. */
  readonly force: boolean;
  /** RFC 3339. */
  readonly at: string;
}

/** The crown after a take; FEDERATION_CROWN_HOLDER_ALIVE, …_AHEAD, …_OUTDATED or …_NO_MAJORITY (exit 1) where it is refused. */
export function take({ crown, claim, votes, force, at }: Tally): CrownSpec {
  const voters = votersOf(crown);
  const counted = votes.filter(({ voter }) => voters.includes(voter));
  const granted = new Set(counted.filter((one) => one.granted).map(({ voter }) => voter));
  const outdated = counted.find((one): one is Denied => !one.granted && one.reason === "Outdated");
  if (outdated) throw refused(outdatedBy(outdated));
  const needed = Math.floor(voters.length / 2) + 1;
  if (!force) {
    const denied = counted.find((one): one is Denied => !one.granted && isVeto(one));
    if (denied) throw refused(denialOf(denied, claim));
    if (granted.size < needed) throw refused(noMajority(crown, counted, needed, claim));
  }
  const how = granted.size >= needed && !force ? "taken" : "forced";
  return crowned(crown, claim.site, claim.epoch, { at, how, after: claim.has });
}

/** Whether one such word stands against the claim, however many others are for it. */
function isVeto({ reason }: Denied): boolean {
  return reason === "HolderAlive" || reason === "Ahead";
}

function refused(problem: Problem): PanopticonError {
  return new PanopticonError([problem], 1);
}

function outdatedBy({ voter, epoch }: Denied): Problem {
  return {
    code: "FEDERATION_CROWN_OUTDATED",
    message: `${voterWords(voter)} knows of epoch ${epoch}: the crown has gone on since this site last heard of it`,
    hint: "Wait until this site has heard of the newer crown, then look at: panopticon crown show",
  };
}

function denialOf({ voter, reason }: Denied, claim: Claim): Problem {
  if (reason === "HolderAlive")
    return {
      code: "FEDERATION_CROWN_HOLDER_ALIVE",
      message: `${voterWords(voter)} still hears the holder of the crown`,
      hint: `If it was lost just now, ask again in ${HOLDER_ALIVE_MS / 1000} s. If it lives, move the crown without losing a write: panopticon crown move --to ${claim.site}. Or insist with --force.`,
    };
  return {
    code: "FEDERATION_CROWN_AHEAD",
    message: `${voterWords(voter)} has more of the federation than ${claim.site}; what it has more would become conflicts`,
    hint: `Crown ${voter} instead: panopticon crown move --take --to ${voter}. Or insist with --force.`,
  };
}

function noMajority(crown: CrownSpec, votes: readonly Vote[], needed: number, claim: Claim): Problem {
  const voters = votersOf(crown);
  const granted = voters.filter((voter) => votes.some((one) => one.granted && one.voter === voter));
  const silent = voters.filter((voter) => !granted.includes(voter)).map((voter) => silence(voter, votes));
  return {
    code: "FEDERATION_CROWN_NO_MAJORITY",
    message: `${granted.length} of ${voters.length} votes for ${claim.site}, ${needed} are needed; without a vote: ${silent.join(", ")}`,
    hint: hintOf(voters.length),
  };
}

/** Who gave no vote and, where it has said so, why. */
function silence(voter: string, votes: readonly Vote[]): string {
  const denied = votes.find((one): one is Denied => !one.granted && one.voter === voter);
  return denied ? `${voter} (${denialWords(denied)})` : voter;
}

/** Why a voter gives no vote, to be read after its name. */
export function denialWords({ reason, epoch, afterSeconds = 0 }: Denied): string {
  switch (reason) {
    case "HolderAlive":
      return "it still hears the holder";
    case "Outdated":
      return `it knows of epoch ${epoch}`;
    case "Ahead":
      return "it has more of the federation";
    case "PromisedElsewhere":
      return `it has given its vote of round ${roundOf(epoch)} to another`;
    case "Unsettled":
      return `it has voted for another in epoch ${epoch}, and was not told whether that one was crowned`;
    case "TooSoon":
      return `it has to listen for the holder for another ${Math.ceil(afterSeconds)} s`;
  }
}

function hintOf(voters: number): string {
  const known =
    "if you know that they are down, insist with --force; what they wrote meanwhile is kept as conflicts";
  if (voters !== 2) return `Bring one of them into reach, or, ${known}.`;
  return `Of two sites neither can tell whether the other is lost or only the line between them. An outside witness gives the third vote, once it is set while the hub is up: panopticon witness create --help. Now, ${known}.`;
}
