/** A witness's part in one federation: listens for the holder, votes, and keeps its word. */
import type { Vote } from "#control/federation/crown/take.ts";
import {
  giveUp,
  type KnownCrown,
  learn,
  type WitnessClaim,
  type WitnessState,
  witnessVote,
} from "#control/federation/crown/witness.ts";
import { openListener } from "./listener.ts";
import type { WitnessStore } from "./store.ts";
import type { WitnessReport } from "./wire.ts";

export interface Elector {
  claim(claim: WitnessClaim): Promise<Vote>;
  tell(crown: KnownCrown): Promise<WitnessReport>;
  giveUp(claim: Pick<WitnessClaim, "site" | "epoch">): Promise<void>;
}

/** Listens until `signal` is aborted. Errors: FEDERATION_WITNESS_STATE, PKI_STORE. */
export async function openElector(
  store: WitnessStore,
  federation: string,
  signal: AbortSignal,
): Promise<Elector> {
  const listener = openListener(signal);
  const before = await store.read(federation);
  if (before.crown) listener.follow(before.crown);
  let last: Promise<unknown> = Promise.resolve();
  /** One after the other: two votes must not both be decided on what was promised before either. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work, work);
    last = turn.catch(() => undefined);
    return turn;
  };
  const keep = async (next: WitnessState, present: WitnessState): Promise<WitnessState> => {
    if (JSON.stringify(next) !== JSON.stringify(present)) await store.write(federation, next);
    if (next.crown) listener.follow(next.crown);
    return next;
  };
  const learnt = async (crown: KnownCrown): Promise<WitnessState> => {
    const present = await store.read(federation);
    return keep(learn(present, crown), present);
  };
  return {
    claim: (claim) =>
      inTurn(async () => {
        const state = await learnt(claim.crown);
        // What it heard last may be old where the witness itself was cut off.
        await listener.probe();
        const answer = witnessVote(store.identity.name, state, claim, listener.listening());
        await keep(answer.state, state);
        return answer.vote;
      }),
    tell: (crown) =>
      inTurn(async () => {
        const { crown: known = crown, promised } = await learnt(crown);
        const { forMs, heardMsAgo } = listener.listening();
        return {
          epoch: known.epoch,
          holder: known.holder,
          listeningSeconds: tenths(forMs),
          ...(heardMsAgo !== undefined && { heardSecondsAgo: tenths(heardMsAgo) }),
          ...(promised && { promised }),
        };
      }),
    giveUp: (claim) =>
      inTurn(async () => {
        const present = await store.read(federation);
        await keep(giveUp(present, claim), present);
      }),
  };
}

/** Seconds, to be read by people. */
function tenths(ms: number): number {
  return Math.round(ms / 100) / 10;
}
