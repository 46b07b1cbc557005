/**
 * Shows long work while it runs, on standard error: on a terminal what each
 * site and component is at, redrawn in place; on a pipe one line per step. It
 * is never silent for long: a line that says who is at what comes in between.
 */
import type { Emit, Event } from "#base/events.ts";
import { formatSeconds } from "#base/units.ts";
import { colour, count } from "./print.ts";

export interface Progress {
  readonly emit: Emit;
  /** Ends the display; what was said stays. */
  stop(): void;
}

/** Something under way: a site in a phase, or a component being brought. */
interface Activity {
  readonly subject: string;
  what: string;
  detail: string;
  fraction: number | undefined;
  readonly since: number;
  readonly expectedSeconds: number | undefined;
}

/** How often a terminal is redrawn, in milliseconds. */
const REDRAW_MS = 200;
/** On a pipe: after this long without a line, say who is at what; then ever more rarely, up to the last. */
const QUIET_MS = [2_000, 2_000, 5_000, 10_000];

/** Starts a display; call `stop` when the work has ended, well or not. */
export function showProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY ? terminalProgress(stream) : pipeProgress(stream);
}

function terminalProgress(stream: NodeJS.WriteStream): Progress {
  const activities = new Map<string, Activity>();
  let drawn = 0;
  const draw = (above: readonly string[]): void => {
    const lines = [...activities.values()].map((activity) =>
      activityLine(activity).slice(0, stream.columns - 1),
    );
    if (drawn === 0 && lines.length === 0 && above.length === 0) return; // a question may be on the screen
    const up = drawn > 0 ? `\u001B[${drawn}A` : "";
    stream.write(`${up}\u001B[J${[...above, ...lines].map((line) => `${line}\n`).join("")}`);
    drawn = lines.length;
  };
  const timer = setInterval(() => draw([]), REDRAW_MS).unref();
  return {
    emit: (event) => {
      note(activities, event);
      const line = lastingLine(event);
      if (line) draw([line]);
    },
    stop: () => {
      clearInterval(timer);
      activities.clear();
      draw([]);
    },
  };
}

function pipeProgress(stream: NodeJS.WriteStream): Progress {
  const activities = new Map<string, Activity>();
  let timer: NodeJS.Timeout | undefined;
  const wait = (quiet: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      for (const activity of activities.values()) stream.write(`${activityLine(activity)}\n`);
      wait(quiet + 1);
    }, QUIET_MS[quiet] ?? QUIET_MS.at(-1)).unref();
  };
  wait(0);
  return {
    emit: (event) => {
      note(activities, event);
      const line = event.kind === "phase-start" ? `${event.site}: ${event.title} …` : lastingLine(event);
      if (!line) return;
      stream.write(`${line}\n`);
      wait(0);
    },
    stop: () => clearTimeout(timer),
  };
}

/** Keeps what is under way up to date. */
function note(activities: Map<string, Activity>, event: Event): void {
  switch (event.kind) {
    case "phase-start":
      activities.set(event.site, begin(event.site, event.title));
      return;
    case "phase-end":
      activities.delete(event.site);
      return;
    case "change-start": {
      const site = activities.get(event.site);
      if (site) site.detail = `${event.subject}: ${event.what}`;
      return;
    }
    case "progress": {
      const known = activities.get(event.subject) ?? begin(event.subject, event.what, event.expectedSeconds);
      known.what = event.what;
      known.fraction = event.fraction;
      activities.set(event.subject, known);
      return;
    }
    case "done":
      activities.delete(event.subject);
      return;
    case "change-end":
    case "change-planned":
    case "note":
      return;
  }
}

function begin(subject: string, what: string, expectedSeconds?: number): Activity {
  return { subject, what, detail: "", fraction: undefined, since: performance.now(), expectedSeconds };
}

/** `attic: control planes, attic-cp-2: join, 12 s`. */
function activityLine(activity: Activity): string {
  const elapsed = formatSeconds((performance.now() - activity.since) / 1000);
  const parts = [
    activity.what,
    activity.detail,
    activity.fraction === undefined ? "" : `${Math.round(activity.fraction * 100)} %`,
    activity.expectedSeconds === undefined
      ? elapsed
      : `${elapsed} of about ${formatSeconds(activity.expectedSeconds)}`,
  ];
  return `${activity.subject}: ${parts.filter((part) => part !== "").join(", ")}`;
}

/** What stays on the screen; undefined where an event is worth no line. */
function lastingLine(event: Event): string | undefined {
  switch (event.kind) {
    case "phase-end": {
      const changes = event.changes === 0 ? "nothing to do" : count(event.changes, "change");
      return `${tick()} ${event.site}: ${event.title}: ${changes}, ${formatSeconds(event.seconds)}`;
    }
    case "change-planned":
      return `  ${event.site}: would change ${event.subject}: ${event.what}`;
    case "done":
      return `${tick()} ${event.subject}: ${event.what}, ${formatSeconds(event.seconds)}`;
    case "note":
      return `  ${event.subject}: ${event.what}`;
    case "phase-start":
    case "change-start":
    case "change-end":
    case "progress":
      return undefined;
  }
}

function tick(): string {
  return colour("green", "✓", process.stderr);
}
