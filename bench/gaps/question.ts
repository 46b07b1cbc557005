/** What the client outside is told, and what it says of each of its questions. */

export interface AskerInput {
  readonly host: string;
  /** External addresses of the sites' name servers. */
  readonly servers: readonly string[];
  /** File of the authority to trust. */
  readonly authority: string;
}

/**
 * `first`: takes the first address of an answer and stays with it until the
 * answer's time is over. `all`: goes on to the next one after 300 ms, as browsers do.
 */
export type ClientKind = "first" | "all";

/** One question, as a line of JSON. */
export interface Question {
  readonly client: ClientKind;
  /** When it was asked and when it ended: milliseconds since 1970. */
  readonly asked: number;
  readonly ended: number;
  /** Empty where a page came. */
  readonly trouble: string;
}

/** How often each client asks. */
export const EVERY_MS = 100;
