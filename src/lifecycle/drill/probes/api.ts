/** Whether a site's API answers at its VIP: many short requests, each on a connection of its own, as new clients make them. */
import { request } from "node:https";
import { type Gap, openGap } from "./gap.ts";

/** How often a new request starts while a drill watches every site; a TLS handshake costs both sides some milliseconds. */
const EVERY_MS = 80;
/** A request that has no answer by then has failed; longer than a healthy answer on a busy box. */
const TIMEOUT_MS = 1000;

export interface Watch {
  readonly gap: Gap;
  /** Ends the watch. */
  stop(): void;
}

/**
 * Watches `https://address:port/readyz`, which anybody may read; certificates are
 * not the subject here. @param everyMs how often a new request starts.
 */
export function watchApi(address: string, port = 6443, everyMs = EVERY_MS): Watch {
  const gap = openGap();
  const timer = setInterval(() => ask(address, port, gap), everyMs);
  return { gap, stop: () => clearInterval(timer) };
}

function ask(host: string, port: number, gap: Gap): void {
  const options = { host, port, path: "/readyz", rejectUnauthorized: false, agent: false };
  const asked = request(options, (response) => {
    if (response.statusCode === 200) gap.answered();
    response.resume();
  });
  // An idle-time limit alone would not end a connect that nobody answers.
  const late = setTimeout(() => asked.destroy(), TIMEOUT_MS);
  asked.on("error", () => undefined); // no answer: the gap grows
  asked.on("close", () => clearTimeout(late));
  asked.end();
}
