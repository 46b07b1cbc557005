/** The outside witness of a simulated federation: what it remembers, whom it can reach, and when it dies. */
import type { CrownSpec, CrownWitness } from "../api/crown.ts";
import { type Claim, HOLDER_ALIVE_MS, type Vote, votersOf, witnessVoter } from "../crown/take.ts";
import { giveUp, knownCrown, learn, type WitnessState, witnessVote } from "../crown/witness.ts";

export const WITNESS: CrownWitness = {
  name: "home",
  url: "https://203.0.113.7:7443",
  certificate: "",
  federation: "0123456789abcdef",
};

export class SimulatedWitness {
  readonly name = witnessVoter(WITNESS);
  alive = true;
  /** What is on its disk: all that it has after a crash. */
  private state: WitnessState = {};

  /** Its vote where it has one; it may die before the answer, and remembers it all the same. */
  ask(crown: CrownSpec, claim: Claim, hears: (site: string) => boolean, dies: boolean): Vote | undefined {
    if (!this.alive || !votersOf(crown).includes(this.name)) return undefined;
    const asked = { crown: knownCrown(crown), site: claim.site, epoch: claim.epoch };
    const learnt = learn(this.state, asked.crown);
    const heard = hears(learnt.crown?.holder ?? "") && { heardMsAgo: 0 };
    const { vote, state } = witnessVote(this.name, learnt, asked, { forMs: HOLDER_ALIVE_MS, ...heard });
    this.state = state;
    if (!dies) return vote;
    this.alive = false;
    return undefined;
  }

  tell(crown: CrownSpec): void {
    this.state = learn(this.state, knownCrown(crown));
  }

  giveUp(claim: Claim): void {
    this.state = giveUp(this.state, claim);
  }
}
