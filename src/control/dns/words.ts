/**
 * The newest word of each voter, as one of them keeps and passes them on. Each
 * is signed by who said it, so that nobody who passes it on can change it; only
 * its age is added to on the way.
 */
import { type Report, STALE_MS } from "./report.ts";

/** What a voter says, as it signs it. */
export type Said = Omit<Report, "ageMs">;

export interface Word {
  readonly said: Said;
  readonly ageMs: number;
  /** Of `said`, by the key in `certificate`. */
  readonly signature: string;
  /** PEM: the voter's. */
  readonly certificate: string;
}

/** A voter is heard while its words come from itself at least this often. */
const HEARD_MS = 3500;

interface Kept extends Omit<Word, "ageMs"> {
  /** When it was said, on our clock. */
  readonly saidMs: number;
}

export class Words {
  private readonly self: string;
  private readonly voters: ReadonlySet<string>;
  private readonly genuine: (word: Word) => boolean;
  private readonly kept = new Map<string, Kept>();
  private readonly heardMs = new Map<string, number>();
  private sequence = 0;

  /** @param genuine whether the voter itself has signed it */
  constructor(self: string, voters: readonly string[], genuine: (word: Word) => boolean) {
    this.self = self;
    this.voters = new Set(voters);
    this.genuine = genuine;
  }

  /** The next of our own words; the number of the last one that others know of us is passed over. @param least such as the time of day */
  nextSequence(least: number): number {
    this.sequence = Math.max(this.sequence + 1, least);
    return this.sequence;
  }

  /** Our own. */
  say(word: Omit<Word, "ageMs">, nowMs: number): void {
    this.kept.set(this.self, { ...word, saidMs: nowMs });
  }

  /** What came from a voter; whether it changes anything but ages. */
  hear(from: string, words: readonly Word[], nowMs: number): boolean {
    let news = false;
    for (const word of words) {
      const { voter, sequence } = word.said;
      const saidMs = nowMs - Math.max(0, word.ageMs);
      if (!this.voters.has(voter) || nowMs - saidMs > STALE_MS) continue;
      if (voter === this.self) {
        // Said before we were started anew, by another clock perhaps: ours must count as newer.
        if (sequence > this.sequence && this.genuine(word)) this.sequence = sequence;
        continue;
      }
      if (voter === from) this.heardMs.set(from, nowMs);
      const known = this.live(voter, nowMs);
      if ((known && known.said.sequence >= sequence) || !this.genuine(word)) continue;
      const { said, signature, certificate } = word;
      this.kept.set(voter, { said, signature, certificate, saidMs });
      news ||= !known || contentOf(known.said) !== contentOf(said);
    }
    return news;
  }

  /** Voters whose words come from themselves. */
  heard(nowMs: number): readonly string[] {
    return [...this.heardMs].filter(([, at]) => nowMs - at <= HEARD_MS).map(([voter]) => voter);
  }

  /** What is not stale, our own first. */
  all(nowMs: number): readonly Word[] {
    const words = [...this.kept.values()].map(({ saidMs, ...word }) => ({ ...word, ageMs: nowMs - saidMs }));
    const fresh = words.filter(({ ageMs }) => ageMs <= STALE_MS);
    return fresh.sort(
      (left, right) => Number(right.said.voter === this.self) - Number(left.said.voter === this.self),
    );
  }

  reports(nowMs: number): readonly Report[] {
    return this.all(nowMs).map(({ said, ageMs }) => ({ ...said, ageMs }));
  }

  private live(voter: string, nowMs: number): Kept | undefined {
    const known = this.kept.get(voter);
    return known && nowMs - known.saidMs <= STALE_MS ? known : undefined;
  }
}

function contentOf({ hears, down, downServices, hosts }: Said): string {
  return JSON.stringify([hears.toSorted(), down.toSorted(), downServices, hosts]);
}
