import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Event } from "#base/events.ts";
import { showProgress } from "./progress.ts";

beforeEach(
  () =>
    void vi.useFakeTimers({
      toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"],
    }),
);
afterEach(() => void vi.useRealTimers());

const START: Event = { kind: "phase-start", site: "attic", phase: "machines", title: "machines" };
const END: Event = { ...START, kind: "phase-end", changes: 7, seconds: 2.6 };

function open(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 60 });
  const progress = showProgress(stream as unknown as NodeJS.WriteStream);
  const written = (): string => ((stream.read() as Buffer | null) ?? "").toString();
  return { progress, written };
}

test("on a pipe each step is a line, and a long one is not silent", () => {
  const { progress, written } = open(false);
  progress.emit(START);
  expect(written()).toBe("attic: machines …\n");
  progress.emit({
    kind: "change-start",
    site: "attic",
    phase: "machines",
    subject: "attic-cp-1",
    what: "start",
  });
  expect(written()).toBe("");
  vi.advanceTimersByTime(2_000);
  expect(written()).toBe("attic: machines, attic-cp-1: start, 2.0 s\n");
  progress.emit(END);
  expect(written()).toBe("✓ attic: machines: 7 changes, 2.6 s\n");
  progress.stop();
  vi.advanceTimersByTime(60_000);
  expect(written()).toBe("");
});

test("a dry run says every change it would make, and a phase with none says so", () => {
  const { progress, written } = open(false);
  progress.emit({
    kind: "change-planned",
    site: "attic",
    phase: "machines",
    subject: "attic-cp-1",
    what: "start",
  });
  progress.emit({ ...START, kind: "phase-end", changes: 0, seconds: 0.1 });
  progress.stop();
  expect(written()).toBe(
    "  attic: would change attic-cp-1: start\n✓ attic: machines: nothing to do, 0.1 s\n",
  );
});

test("on a terminal the lines of what is under way are redrawn in place and cut to its width", () => {
  const { progress, written } = open(true);
  progress.emit(START);
  progress.emit({
    kind: "progress",
    subject: "kubernetes",
    what: "x".repeat(200),
    fraction: 0.5,
    expectedSeconds: 300,
  });
  vi.advanceTimersByTime(200);
  const first = written();
  expect(first).toContain("attic: machines, 0.2 s\n");
  expect(Math.max(...first.split("\n").map((line) => line.length))).toBeLessThan(65);
  vi.advanceTimersByTime(200);
  expect(written().startsWith("\u001B[2A\u001B[J")).toBe(true);
  progress.emit(END);
  expect(written()).toContain("✓ attic: machines: 7 changes, 2.6 s\n");
  progress.stop();
});
