/** Commands that run until they are ended, as services do. */
import type { Emit } from "#base/events.ts";
import { say } from "./print.ts";

/** Runs `work` until SIGINT or SIGTERM; what it notes is printed with the time. */
export async function inForeground(work: (emit: Emit, signal: AbortSignal) => Promise<void>): Promise<void> {
  const end = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => end.abort(new Error(signal)));
  await work((event) => {
    if (event.kind === "note") say(`${new Date().toISOString()} ${event.subject}: ${event.what}`);
  }, end.signal);
}
