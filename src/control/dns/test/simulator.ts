/**
 * Sites, and perhaps a witness, that probe each other over lines which may fail
 * in one direction only, pass on each other's words, and decide for themselves.
 * Time goes in steps of a second. Every decision is the product's own function.
 */
import { mutualGroup, newest, type Report, STALE_MS, steeringVoters } from "../report.ts";
import { type Decision, decide, type Place } from "../steering.ts";

/** So many probes in a row that fail make a site down, so many that succeed make it up again. */
const FALL = 3;
const RISE = 2;
/** Words not got from a voter itself for so many steps: it is not heard. */
const UNHEARD = 3;
/** Others' words are passed on to so many voters at each step, other ones each time. */
const RELAYS = 8;
const STEP_MS = 1000;

/** Whether what `from` sends at this step arrives. */
export type Lines = (from: number, to: number) => boolean;

interface Word extends Omit<Report, "ageMs"> {
  readonly said: number;
}

interface Voter {
  readonly name: string;
  alive: boolean;
  /** Its service fails inside, whoever asks. */
  broken: boolean;
  /** By voter: the newest word of each that it has. */
  words: (Word | undefined)[];
  readonly heardAt: number[];
  readonly failures: number[];
  readonly successes: number[];
  readonly sees: boolean[];
  decision: Decision | undefined;
}

export class Steering {
  readonly sites: readonly string[];
  readonly names: readonly string[];
  readonly voters: readonly Voter[];
  readonly places: readonly Place[];
  private step = 0;

  constructor(siteCount: number, witness = false) {
    this.sites = Array.from({ length: siteCount }, (_, index) => `s${index}`);
    this.names = steeringVoters(this.sites, witness ? "witness" : undefined);
    this.places = this.sites.map((site, index) => ({ address: `203.0.113.${index}`, site }));
    this.voters = this.names.map((name) => ({
      name,
      alive: true,
      broken: false,
      words: [],
      heardAt: this.names.map(() => Number.NEGATIVE_INFINITY),
      failures: this.names.map(() => 0),
      successes: this.names.map(() => 0),
      sees: this.names.map(() => true),
      decision: undefined,
    }));
  }

  /** A second passes. @param deciders whose decisions are made; all where they are not named */
  tick(lines: Lines, deciders: readonly number[] = this.sites.map((_, index) => index)): void {
    this.step += 1;
    const alive = this.voters.flatMap((voter, index) => (voter.alive ? [index] : []));
    for (const index of alive) this.probe(index, lines);
    const before = this.voters.map(({ words }) => words);
    for (const index of alive) this.speak(index);
    const said = this.voters.map(({ words }) => words);
    for (const to of alive) {
      for (const from of alive) {
        if (from === to || !lines(from, to)) continue;
        const listener = this.voter(to);
        listener.heardAt[from] = this.step;
        // What came in this step is passed on in the next one; its own word goes at once.
        if (this.relays(from, to)) this.take(listener, before[from] ?? []);
        this.keep(listener, from, said[from]?.[from]);
      }
    }
    for (const index of deciders) if (this.voter(index).alive) this.decide(index);
  }

  /** Living sites that are not frozen. */
  deciding(): readonly Voter[] {
    return this.voters.filter(({ alive, decision }) => alive && decision && !decision.frozen);
  }

  /** Of every living site that has decided. */
  answers(): readonly (readonly string[])[] {
    return this.voters.flatMap(({ alive, decision }) => (alive && decision ? [decision.served.answer] : []));
  }

  addressOf(index: number): string {
    return this.places[index]?.address ?? "";
  }

  private voter(index: number): Voter {
    return this.voters[index] as Voter;
  }

  private probe(index: number, lines: Lines): void {
    const own = this.voter(index);
    for (const [other, { alive, broken }] of this.voters.entries()) {
      const reached = other === index || (lines(index, other) && lines(other, index));
      const works = alive && !broken && reached;
      own.failures[other] = works ? 0 : (own.failures[other] ?? 0) + 1;
      own.successes[other] = works ? (own.successes[other] ?? 0) + 1 : 0;
      if ((own.failures[other] ?? 0) >= FALL) own.sees[other] = false;
      if ((own.successes[other] ?? 0) >= RISE) own.sees[other] = true;
    }
  }

  private speak(index: number): void {
    const own = this.voter(index);
    const hears = this.names.filter((_, other) => this.step - (own.heardAt[other] ?? 0) <= UNHEARD);
    const down = this.sites.filter((_, site) => !own.sees[site]);
    own.words = [...own.words];
    own.words[index] = { voter: own.name, sequence: this.step, hears, down, said: this.step };
  }

  private relays(from: number, to: number): boolean {
    const count = this.voters.length;
    return (to + count - from + this.step * RELAYS) % count < RELAYS;
  }

  private take(listener: Voter, passedOn: readonly (Word | undefined)[]): void {
    for (const [index, word] of passedOn.entries()) this.keep(listener, index, word);
  }

  private keep(listener: Voter, index: number, word: Word | undefined): void {
    if (word && word.sequence > (listener.words[index]?.sequence ?? -1)) listener.words[index] = word;
  }

  private decide(index: number): void {
    const own = this.voter(index);
    own.decision = decide({
      self: own.name,
      voters: this.names,
      reports: this.reportsAt(index),
      places: this.places,
      before: own.decision?.served,
      nowMs: this.step * STEP_MS,
    });
  }

  private reportsAt(index: number): readonly Report[] {
    return this.voter(index).words.flatMap((word) => {
      const ageMs = word ? (this.step - word.said) * STEP_MS : STALE_MS + 1;
      return word && ageMs <= STALE_MS ? [{ ...word, ageMs }] : [];
    });
  }

  /** How many voters a site hears and is heard by. */
  groupOf(index: number): number {
    return mutualGroup(this.names[index] ?? "", newest(this.reportsAt(index))).size;
  }
}
