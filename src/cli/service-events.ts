/** What a rollout says while it goes on, a line for each step. */
import type { Event } from "#base/events.ts";
import { formatSeconds } from "#base/units.ts";
import { colour } from "./print.ts";

export function eventLine(event: Event): string {
  switch (event.kind) {
    case "done":
      return `${colour("green", "ok", process.stderr)} ${event.subject}: ${event.what} (${formatSeconds(event.seconds)})`;
    case "progress":
    case "note":
    case "change-start":
    case "change-end":
    case "change-planned":
      return `${colour("dim", "..", process.stderr)} ${event.subject}: ${event.what}`;
    case "phase-start":
    case "phase-end":
      return `${colour("dim", "..", process.stderr)} ${event.site}: ${event.title}`;
  }
}
