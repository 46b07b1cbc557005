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

/** What one name server said of the name, as a line of JSON. */
export interface Answer {
  readonly server: string;
  readonly asked: number;
  /** Empty where it said that there is none, or was silent. */
  readonly addresses: readonly string[];
  /** A resolver's code such as ENODATA or ETIMEOUT; empty where there is an address. */
  readonly trouble: string;
}

/** How often each name server is asked by itself. */
export const NAMES_EVERY_MS = 250;
