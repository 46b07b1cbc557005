/**
 * Who leads, by a Lease (coordination.k8s.io/v1). Only the moment at which a
 * change of the lease was seen counts, on one's own clock: clocks that differ
 * by an hour do no harm.
 */

export interface ElectionTimes {
  /** How long a lease that nobody renews still binds the others. */
  readonly leaseSeconds: number;
  /** How long a leader goes on without having renewed; shorter than the lease by all that may be under way. */
  readonly deadlineSeconds: number;
  /** Between two renewals. */
  readonly renewSeconds: number;
}

export const ELECTION_TIMES: ElectionTimes = { leaseSeconds: 10, deadlineSeconds: 6, renewSeconds: 2 };

/** A lease as one candidate has seen it. */
export interface SeenLease {
  readonly holder: string;
  /** Promised by its holder. */
  readonly leaseSeconds: number;
  readonly resourceVersion: string;
  /** When this version of it was first seen, on the candidate's own clock (ms). */
  readonly seenAt: number;
}

export type Step =
  | { readonly do: "create" }
  | { readonly do: "take"; readonly resourceVersion: string }
  | { readonly do: "wait"; readonly milliseconds: number };

/** What a candidate that does not lead does next; `undefined` is a lease that is not there. */
export function nextStep(seen: SeenLease | undefined, me: string, now: number): Step {
  if (!seen) return { do: "create" };
  const free = seen.holder === "" || seen.holder === me;
  const left = seen.seenAt + seen.leaseSeconds * 1000 - now;
  if (free || left <= 0) return { do: "take", resourceVersion: seen.resourceVersion };
  return { do: "wait", milliseconds: left };
}

/** The candidate's view after a look at the lease: an unchanged one keeps the moment it was first seen. */
export function look(
  before: SeenLease | undefined,
  now: { readonly holder: string; readonly leaseSeconds: number; readonly resourceVersion: string },
  at: number,
): SeenLease {
  if (before?.resourceVersion === now.resourceVersion) return before;
  return { ...now, seenAt: at };
}

/**
 * Whether a leader may go on. `renewedAt` is when the last successful renewal
 * was *begun*: it reached the server at some time after that. A machine that
 * slept shows it on one of its two clocks at least, so the later one counts.
 */
export function mayLead(
  renewedAt: { readonly now: number; readonly wall: number },
  present: { readonly now: number; readonly wall: number },
  { deadlineSeconds }: ElectionTimes,
): boolean {
  const passed = Math.max(present.now - renewedAt.now, present.wall - renewedAt.wall);
  return passed < deadlineSeconds * 1000;
}
