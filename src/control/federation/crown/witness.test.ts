import { describe, expect, it } from "vitest";
import { HOLDER_ALIVE_MS } from "./take.ts";
import { giveUp, type KnownCrown, learn, type Listening, type WitnessState, witnessVote } from "./witness.ts";

const first: KnownCrown = { epoch: 1001, holder: "attic", endpoints: ["https://10.0.0.1:6443"] };
const silent: Listening = { forMs: HOLDER_ALIVE_MS };

function ask(
  state: WitnessState,
  site: string,
  epoch: number,
  { crown = first, listening = silent }: { crown?: KnownCrown; listening?: Listening } = {},
) {
  const learnt = learn(state, crown);
  const answer = witnessVote("witness home", learnt, { crown, site, epoch }, listening);
  return { ...answer, word: answer.vote.granted ? "granted" : answer.vote.reason };
}

describe("a witness", () => {
  it("gives one vote a round, again to the same claim, and remembers it", () => {
    const given = ask({}, "barn", 2002);
    expect(given.vote).toEqual({
      voter: "witness home",
      granted: true,
      promise: { epoch: 2002, site: "barn" },
    });
    expect(given.state).toEqual({ crown: first, promised: { epoch: 2002, site: "barn" } });
    expect(ask(given.state, "barn", 2002).word).toBe("granted");
    expect(ask(given.state, "cellar", 2003)).toMatchObject({ word: "PromisedElsewhere", state: given.state });
    expect(ask(giveUp(given.state, { site: "barn", epoch: 2002 }), "cellar", 2003).word).toBe(
      "PromisedElsewhere",
    );
  });

  it("doubts until it knows what became of its vote", () => {
    const { state } = ask({}, "barn", 2002);
    expect(ask(state, "attic", 3001)).toMatchObject({ word: "Unsettled", vote: { epoch: 2002 }, state });
    expect(ask(state, "barn", 3002).word).toBe("granted");
    expect(ask(giveUp(state, { site: "barn", epoch: 2002 }), "attic", 3001).word).toBe("granted");
    expect(giveUp(state, { site: "attic", epoch: 2002 })).toBe(state);
    const crowned = { ...first, epoch: 2002, holder: "barn" };
    expect(ask(learn(state, crowned), "attic", 3001).word).toBe("Outdated");
    expect(ask(state, "attic", 3001, { crown: crowned }).word).toBe("granted");
  });

  it("votes against nobody whom it hears, nor before it has listened for long enough", () => {
    const heard = (heardMsAgo: number) =>
      ask({}, "barn", 2002, { listening: { ...silent, heardMsAgo } }).word;
    expect([heard(0), heard(HOLDER_ALIVE_MS - 1), heard(HOLDER_ALIVE_MS)]).toEqual([
      "HolderAlive",
      "HolderAlive",
      "granted",
    ]);
    const soon = ask({}, "barn", 2002, { listening: { forMs: HOLDER_ALIVE_MS - 2000 } });
    expect(soon).toMatchObject({ word: "TooSoon", vote: { afterSeconds: 2 } });
    expect(soon.state.promised).toBeUndefined();
    expect(ask({}, "attic", 2001, { listening: { forMs: 0, heardMsAgo: 0 } }).word).toBe("granted");
  });

  it("follows the highest epoch, and forgets no way to its holder", () => {
    const second = { epoch: 2002, holder: "barn", endpoints: ["https://10.0.0.2:6443"] };
    const state = learn(learn({}, first), second);
    expect(learn(state, first)).toBe(state);
    expect(ask(state, "attic", 3001).word).toBe("Outdated");
    const other = { ...second, endpoints: ["https://10.0.9.9:6443"], caBundle: "eA==" };
    expect(learn(state, other).crown).toEqual({
      ...second,
      caBundle: "eA==",
      endpoints: ["https://10.0.9.9:6443", "https://10.0.0.2:6443"],
    });
  });
});
