/** How a run ends when it is no longer wanted: by a reader that leaves, or by Ctrl-C. */
import { say } from "./print.ts";

/** Exit code of a program ended by Ctrl-C, as shells have it. */
export const INTERRUPTED = 130;

let interruption: AbortController | undefined;

/**
 * A signal that the first Ctrl-C aborts, for work that wants to end what it has
 * under way; the second one ends the run at once.
 */
export function interruptSignal(): AbortSignal {
  interruption ??= new AbortController();
  return interruption.signal;
}

/** Whether Ctrl-C has been pressed; what fails after that fails because of it. */
export function interrupted(): boolean {
  return interruption?.signal.aborted ?? false;
}

/**
 * A reader that leaves (`| head`) ends the run without a word. Ctrl-C ends it
 * too: every work here may be killed anywhere and goes on at the next run.
 */
export function endQuietly(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      process.exit(process.exitCode ?? 0);
    });
  }
  process.on("SIGINT", () => {
    if (interruption && !interruption.signal.aborted) {
      say("\ninterrupted: ending what is under way (Ctrl-C again ends it at once)");
      interruption.abort();
      return;
    }
    say("\ninterrupted; the same command goes on where this one stopped");
    process.exit(INTERRUPTED);
  });
}
