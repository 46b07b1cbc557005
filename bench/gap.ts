/** How long a client sees an API gone: many short requests, each on a connection of its own. */
import { request } from "node:https";

/** A new request starts this often. */
const EVERY_MS = 20;
/** A request that has no answer by then has failed; longer than a healthy answer on a busy box. */
const TIMEOUT_MS = 1000;

export interface Watch {
  /** Ends the watch; gives the longest time, in seconds, between two answers in a row. */
  stop(): number;
}

/** Watches `https://address:6443/readyz`, which anybody may read; certificates are not the subject here. */
export function watchApi(address: string): Watch {
  let last = performance.now();
  let longest = 0;
  const answered = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(() => ask(address, answered), EVERY_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return longest / 1000;
    },
  };
}

function ask(host: string, answered: () => void): void {
  const options = { host, port: 6443, path: "/readyz", rejectUnauthorized: false, agent: false };
  const asked = request({ ...options, timeout: TIMEOUT_MS }, (response) => {
    if (response.statusCode === 200) answered();
    response.resume();
  });
  asked.on("timeout", () => asked.destroy());
  asked.on("error", () => undefined); // no answer: the gap grows
  asked.end();
}
