/** xl's own log of a domain (/var/log/xen/xl-NAME.log): how it ended the last time. */

export type DomainEnd = "crashed" | "stopped" | "none";

/** Shutdown reasons that are nobody's wish: crash and watchdog (xen/include/public/sched.h). */
const UNWANTED = new Set(["3", "4"]);

/**
 * The last end that the log tells, and how often the domain crashed since it was
 * last created by hand or by us: xl writes a new log with each `xl create`, and
 * goes on with the same one when it restarts a domain after a crash.
 */
export function parseEnds(log: string): { readonly last: DomainEnd; readonly crashes: number } {
  let last: DomainEnd = "none";
  let crashes = 0;
  for (const line of log.split("\n")) {
    const reason = /has shut down, reason code (\d+)/.exec(line)?.[1];
    if (reason !== undefined) {
      last = UNWANTED.has(reason) ? "crashed" : "stopped";
      if (last === "crashed") crashes += 1;
    } else if (/has been destroyed/.test(line)) last = "stopped";
  }
  return { last, crashes };
}
