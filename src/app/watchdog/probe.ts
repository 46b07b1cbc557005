/** One connect to a worker, as the watchdog asks for it. */
import { connect } from "node:net";
import type { Outcome } from "#control/watchdog/sight.ts";

/** Ends after `timeoutMs` at the latest, plus what this process is kept from running. */
export function probeWorker(address: string, port: number, timeoutMs: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    // An answer that came while this process had to wait is heard first.
    const timer = setTimeout(() => setImmediate(() => end("silent")), timeoutMs);
    const end = (outcome: Outcome): void => {
      clearTimeout(timer);
      // Reset: ten connections a second would leave hundreds waiting for their orderly end.
      socket.resetAndDestroy();
      resolve(outcome);
    };
    socket.once("connect", () => end("answers"));
    socket.on("error", ({ code }: NodeJS.ErrnoException) =>
      end(code === "ECONNREFUSED" ? "refuses" : "silent"),
    );
  });
}
