/** How a run ends when it is no longer wanted. */
import { say } from "./print.ts";

/** Exit code of a program ended by Ctrl-C, as shells have it. */
const INTERRUPTED = 130;

/**
 * A reader that leaves (`| head`) ends the run without a word. Ctrl-C ends it
 * at once: every work here may be killed anywhere and goes on at the next run.
 */
export function endQuietly(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      process.exit(process.exitCode ?? 0);
    });
  }
  process.once("SIGINT", () => {
    say("\ninterrupted; the same command goes on where this one stopped");
    process.exit(INTERRUPTED);
  });
}
