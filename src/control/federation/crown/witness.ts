/**
 * The outside witness's decisions, pure: what it knows of the crown, what it
 * has promised, and its vote. Other than a site it follows no hub, so it learns
 * of crownings from those who ask it, and doubts where it was not told.
 */
import type { CrownSpec, CrownStatus } from "../api/crown.ts";
import { type Claim, type Denied, HOLDER_ALIVE_MS, type Vote, vote } from "./take.ts";

/** As much of a crown as a witness needs: who holds it, and how the holder is reached. */
export interface KnownCrown {
  readonly epoch: number;
  readonly holder: string;
  /** `https` alone. */
  readonly endpoints: readonly string[];
  /** Of the holder's API: PEM in base64. */
  readonly caBundle?: string;
}

/** What a witness remembers of a federation; kept durably before any of it is said. */
export interface WitnessState {
  /** Of the highest epoch that it was told of. */
  readonly crown?: KnownCrown;
  readonly promised?: NonNullable<CrownStatus["promised"]>;
  /** The site that was promised its vote has said since that it was not crowned. */
  readonly givenUp?: true;
}

/** What is asked of a witness: its vote for a site, on the strength of the crown that the site follows. */
export interface WitnessClaim {
  readonly crown: KnownCrown;
  readonly site: string;
  readonly epoch: number;
}

/** What came of listening for the holder. */
export interface Listening {
  /** For how long, ms: a witness that was just started, or just told of the holder, has heard nobody yet. */
  readonly forMs: number;
  /** Since the holder was last heard; undefined where it never was. */
  readonly heardMsAgo?: number;
}

const MOST_ENDPOINTS = 16;

export function knownCrown({ epoch, holder, sites }: CrownSpec): KnownCrown {
  const site = sites.find(({ name }) => name === holder);
  const endpoints = (site?.endpoints ?? []).filter((one) => one.startsWith("https://"));
  return { epoch, holder, endpoints, ...(site?.caBundle !== undefined && { caBundle: site.caBundle }) };
}

/** The higher epoch wins. Of the same one, no way to the holder is forgotten: who tells may know an older list. */
export function learn(state: WitnessState, told: KnownCrown): WitnessState {
  const { crown } = state;
  if (crown && told.epoch < crown.epoch) return state;
  if (!crown || told.epoch > crown.epoch) return { ...state, crown: told };
  const endpoints = [...new Set([...told.endpoints, ...crown.endpoints])].slice(0, MOST_ENDPOINTS);
  return { ...state, crown: { ...crown, ...told, endpoints } };
}

/** The vote, and what has to be kept before it is given. @param state after `learn` of the claim's crown */
export function witnessVote(
  voter: string,
  state: WitnessState,
  { crown, site, epoch }: WitnessClaim,
  { forMs, heardMsAgo }: Listening,
): { readonly vote: Vote; readonly state: WitnessState } {
  const known = state.crown ?? crown;
  const { promised } = state;
  const claim: Claim = { site, epoch, has: { epoch: 0, resourceVersions: {} } };
  const heard = heardMsAgo !== undefined && { holderHeardMsAgo: heardMsAgo };
  const given = vote(
    { name: voter, crown: known, ...(promised && { promised }), ...heard },
    claim,
    HOLDER_ALIVE_MS,
  );
  const deny = (reason: Denied["reason"], afterSeconds?: number) => {
    const highest = Math.max(known.epoch, promised?.epoch ?? 0);
    const more = afterSeconds !== undefined && { afterSeconds };
    return { vote: { voter, granted: false, reason, epoch: highest, ...more } as const, state };
  };
  if (crown.epoch < known.epoch) return deny("Outdated");
  if (!given.granted) return { vote: given, state };
  if (isUnsettled(state, known, site)) return deny("Unsettled");
  const leftMs = HOLDER_ALIVE_MS - forMs;
  if (known.holder !== site && leftMs > 0) return deny("TooSoon", leftMs / 1000);
  return { vote: given, state: { crown: known, promised: given.promise } };
}

/** The claim of this epoch has failed for sure: its site will not be crowned in it. */
export function giveUp(
  state: WitnessState,
  { site, epoch }: Pick<WitnessClaim, "site" | "epoch">,
): WitnessState {
  const { promised } = state;
  return promised?.site === site && promised.epoch === epoch ? { ...state, givenUp: true } : state;
}

/**
 * Whether another site may have been crowned by this witness's vote, unheard:
 * to vote for a second one, which knows nothing of it, would take the crown
 * from a holder that nobody has looked for.
 */
function isUnsettled({ promised, givenUp }: WitnessState, known: KnownCrown, site: string): boolean {
  return promised !== undefined && !givenUp && promised.epoch > known.epoch && promised.site !== site;
}
