/**
 * Which addresses a name has at this moment, decided by a majority of the
 * voters and never by one of them. Pure: the same words give the same answer
 * at every site that hears them, whatever each of them served before.
 */
import { type Hold, heldMs, LONGEST_HOLD_MS, withDown, withUp } from "./damping.ts";
import { majorityOf, mutualGroup, newest, type Report, STALE_MS } from "./report.ts";

/**
 * Once nothing has changed for so long, neither lines nor what anybody sees,
 * all who decide serve the same: old words are none any more, nor what followed
 * from them, and the longest hold is over.
 */
export const LONGEST_SPLIT_MS = 2 * STALE_MS + LONGEST_HOLD_MS;

export interface Place {
  readonly address: string;
  /** What the votes name: a site, or one of its lines. */
  readonly site: string;
}

/** What a site serves for a name, and what it remembers of the addresses that were withdrawn. */
export interface Served {
  readonly answer: readonly string[];
  /** By address. */
  readonly holds: Readonly<Record<string, Hold>>;
}

export interface Question {
  /** Who decides. */
  readonly self: string;
  /** Of `steeringVoters`. */
  readonly voters: readonly string[];
  /** Its own word too. */
  readonly reports: readonly Report[];
  /** All that the name may have. */
  readonly places: readonly Place[];
  /** Whose name it is; missing for names of a site as a whole. */
  readonly service?: string;
  /** Undefined at the start: then every address is served until there is a reason. */
  readonly before: Served | undefined;
  /** Milliseconds that only grow, of the site that decides. */
  readonly nowMs: number;
}

export type Reason =
  /** No majority sees it down. */
  | { readonly why: "up"; readonly down: number }
  /** Withdrawn. */
  | { readonly why: "down"; readonly down: number }
  /** Seen up again, but not for long enough. */
  | { readonly why: "returning"; readonly down: number; readonly leftMs: number }
  /** Nothing better is left. */
  | { readonly why: "last"; readonly down: number }
  /** Too few voters are heard to decide anything. */
  | { readonly why: "frozen"; readonly heard: number };

export interface Ruling extends Place {
  readonly served: boolean;
  readonly reason: Reason;
}

export interface Decision {
  readonly served: Served;
  /** Too few voters are heard: what was served before goes on. */
  readonly frozen: boolean;
  readonly needed: number;
  /** In the order of the places. */
  readonly rulings: readonly Ruling[];
}

/** The next answer, never empty where there is a place at all. */
export function decide(question: Question): Decision {
  const { self, voters, places } = question;
  const needed = majorityOf(voters);
  const reports = newest(question.reports);
  const mutual = mutualGroup(self, reports);
  const group = voters.flatMap((voter) => (mutual.has(voter) ? (reports.get(voter) ?? []) : []));
  if (group.length < needed) return frozen(question, needed, group.length);
  const against = votesAgainst(group, question.service);
  const down = ({ site }: Place): number => against.get(site) ?? 0;
  const holds = nextHolds(question, (place) => down(place) >= needed);
  const rulings = places.map((place) =>
    ruling(place, down(place), needed, heldMs(holds[place.address], question.nowMs)),
  );
  const final = rulings.some(({ served }) => served) ? rulings : leastBad(rulings);
  return { served: { answer: answerOf(final), holds }, frozen: false, needed, rulings: final };
}

/** By site, how many of the group see it fail; a site's say on itself counts as any other, once. */
function votesAgainst(group: readonly Report[], service: string | undefined): ReadonlyMap<string, number> {
  const votes = new Map<string, number>();
  for (const { down, downServices } of group) {
    const there = service === undefined ? [] : (downServices?.[service] ?? []);
    for (const site of new Set([...down, ...there])) votes.set(site, (votes.get(site) ?? 0) + 1);
  }
  return votes;
}

function nextHolds(
  { places, before, nowMs }: Question,
  isDown: (place: Place) => boolean,
): Readonly<Record<string, Hold>> {
  const entries = places.flatMap((place): readonly (readonly [string, Hold])[] => {
    const hold = before?.holds[place.address];
    const next = isDown(place) ? withDown(hold, nowMs) : withUp(hold, nowMs);
    return next ? [[place.address, next]] : [];
  });
  return Object.fromEntries(entries);
}

function ruling(place: Place, down: number, needed: number, leftMs: number): Ruling {
  if (down >= needed) return { ...place, served: false, reason: { why: "down", down } };
  if (leftMs > 0) return { ...place, served: false, reason: { why: "returning", down, leftMs } };
  return { ...place, served: true, reason: { why: "up", down } };
}

/** An address that is only on its return is better than none; of those that are down, the ones that the fewest see down. */
function leastBad(rulings: readonly Ruling[]): readonly Ruling[] {
  const returning = rulings.filter(({ reason }) => reason.why === "returning");
  const pool = returning.length > 0 ? returning : rulings;
  const least = Math.min(...pool.map(votesIn));
  return rulings.map((one) =>
    pool.includes(one) && votesIn(one) === least
      ? { ...one, served: true, reason: { why: "last", down: least } }
      : one,
  );
}

function votesIn({ reason }: Ruling): number {
  return reason.why === "frozen" ? 0 : reason.down;
}

function frozen({ places, before }: Question, needed: number, heard: number): Decision {
  const known = places.filter(({ address }) => before?.answer.includes(address));
  // Nothing was served yet, or the plan has taken away what was.
  const kept = new Set((known.length > 0 ? known : places).map(({ address }) => address));
  const rulings = places.map((place): Ruling => {
    return { ...place, served: kept.has(place.address), reason: { why: "frozen", heard } };
  });
  return { served: { answer: answerOf(rulings), holds: before?.holds ?? {} }, frozen: true, needed, rulings };
}

function answerOf(rulings: readonly Ruling[]): readonly string[] {
  return rulings.filter(({ served }) => served).map(({ address }) => address);
}
