/** How a witness hears a crown's holder: it asks that API again and again for anything at all. */
import { request } from "node:https";
import type { TLSSocket } from "node:tls";
import type { KnownCrown, Listening } from "#control/federation/crown/witness.ts";
import { pause, systemClock } from "#control/runtime/clock.ts";
import { fingerprintOf } from "./file.ts";

const PROBE_MS = 3000;
const PAUSE_MS = 1000;
/** Of the verifier (openssl-verify(1)): who answers is the right one, only its date or ours is wrong. */
const DATE_ERRORS: readonly string[] = ["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"];

export interface Listener {
  /** Listens for this one's holder; nothing is forgotten while the holder stays the same. */
  follow(crown: KnownCrown): void;
  /** Asks once more, now. */
  probe(): Promise<void>;
  listening(): Listening;
}

/** Listens until `signal` is aborted. */
export function openListener(signal: AbortSignal): Listener {
  let crown: KnownCrown | undefined;
  let since = 0;
  let heardAt: number | undefined;
  const probe = async (): Promise<void> => {
    const asked = crown;
    if (!asked) return;
    const answers = await Promise.all(
      asked.endpoints.map((endpoint) => answersAt(endpoint, asked.caBundle, signal)),
    );
    if (answers.includes(true) && isSame(asked, crown)) heardAt = systemClock.now();
  };
  const listen = async (): Promise<void> => {
    while (!signal.aborted) {
      await probe();
      await pause(systemClock, PAUSE_MS, signal);
    }
  };
  return {
    follow(next) {
      const first = !crown;
      if (!isSame(next, crown)) {
        since = systemClock.now();
        heardAt = undefined;
      }
      crown = next;
      if (first) void listen();
    },
    probe,
    listening() {
      const now = systemClock.now();
      return { forMs: now - since, ...(heardAt !== undefined && { heardMsAgo: now - heardAt }) };
    },
  };
}

function isSame(left: KnownCrown, right: KnownCrown | undefined): boolean {
  return left.holder === right?.holder;
}

/**
 * Whether the API answers, with whatever HTTP status: one that can't serve now
 * is there all the same. Who answers must have a certificate of the authority
 * that the crown names for that site, if it names one; the name in it does not
 * count, since a site may be reached by an address that it does not know.
 */
function answersAt(endpoint: string, caBundle: string | undefined, signal: AbortSignal): Promise<boolean> {
  const authority = authorityOf(caBundle);
  return new Promise((resolve) => {
    try {
      const asked = request(new URL("/livez", endpoint), {
        agent: false,
        rejectUnauthorized: false,
        checkServerIdentity: () => undefined,
        ...(authority !== undefined && { ca: authority }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(PROBE_MS)]),
      });
      asked.once("response", (response) => {
        const socket = response.socket as TLSSocket;
        resolve(authority === undefined || isTrusted(socket));
        response.resume();
        asked.destroy();
      });
      asked.once("error", () => resolve(false));
      asked.end();
    } catch {
      // An address that is none.
      resolve(false);
    }
  });
}

/** PEM; where the crown's is missing or garbled, any certificate does: better to hear a stranger than to call a holder lost. */
function authorityOf(caBundle: string | undefined): string | undefined {
  const pem = Buffer.from(caBundle ?? "", "base64").toString();
  return fingerprintOf(pem) === undefined ? undefined : pem;
}

function isTrusted({ authorized, authorizationError }: TLSSocket): boolean {
  return authorized || DATE_ERRORS.includes(String(authorizationError));
}
