/** What voters tell each other about the sites, and whose word counts. */

/** One voter's word on all sites, as it was when it was said; passed on from voter to voter unchanged but for its age. */
export interface Report {
  /** A site, or the witness. */
  readonly voter: string;
  /** Grows with each word of this voter: the higher one is the newer. */
  readonly sequence: number;
  /** Since it was said, ms, added up by those who pass it on: the sites' clocks do not matter. */
  readonly ageMs: number;
  /** The voters whose words it gets from themselves. */
  readonly hears: readonly string[];
  /** Sites, or lines of sites, whose traffic it sees fail from where it is; of its own it says what it finds inside. */
  readonly down: readonly string[];
  /** By service, where that service alone fails. */
  readonly downServices?: Readonly<Record<string, readonly string[]>>;
  /** Host names of services that it has itself; missing where it does not know, and at the witness. */
  readonly hosts?: readonly string[];
}

/**
 * An older word is as good as none. Words come once a second, and are passed
 * on once a second, so two voters may be this many seconds' relays apart.
 */
export const STALE_MS = 8000;

/** Who votes on addresses: every site, and the witness where that makes their number odd. */
export function steeringVoters(sites: readonly string[], witness?: string): readonly string[] {
  return witness !== undefined && sites.length % 2 === 0 ? [...sites, witness] : sites;
}

/** More than half of all voters, however many of them are heard. */
export function majorityOf(voters: readonly string[]): number {
  return Math.floor(voters.length / 2) + 1;
}

/** Of each voter the newest word, where it is no older than it may be. */
export function newest(reports: Iterable<Report>): ReadonlyMap<string, Report> {
  const best = new Map<string, Report>();
  for (const report of reports) {
    const known = best.get(report.voter);
    if (report.ageMs <= STALE_MS && (!known || report.sequence > known.sequence))
      best.set(report.voter, report);
  }
  return best;
}

/**
 * The voters that hear `self` and that it hears, directly or by way of others
 * among them. Any two of such a group know the same words, and no voter is in
 * two groups: so whoever decides by a group with a majority decides as all who do.
 */
export function mutualGroup(self: string, reports: ReadonlyMap<string, Report>): ReadonlySet<string> {
  const hears = (voter: string): readonly string[] => reports.get(voter)?.hears ?? [];
  const heardBy = new Map<string, string[]>();
  for (const { voter } of reports.values())
    for (const other of hears(voter)) {
      const listeners = heardBy.get(other);
      if (listeners) listeners.push(voter);
      else heardBy.set(other, [voter]);
    }
  const heard = reached(self, hears);
  const listening = reached(self, (voter) => heardBy.get(voter) ?? []);
  return new Set([...heard].filter((voter) => listening.has(voter) && reports.has(voter)));
}

function reached(from: string, next: (voter: string) => readonly string[]): ReadonlySet<string> {
  const seen = new Set([from]);
  const open = [from];
  for (let voter = open.pop(); voter !== undefined; voter = open.pop())
    for (const other of next(voter)) {
      if (seen.has(other)) continue;
      seen.add(other);
      open.push(other);
    }
  return seen;
}
