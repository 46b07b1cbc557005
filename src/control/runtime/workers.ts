/** Takes work from a queue and does it, so much at once as the queue lets. */
import { type Clock } from "./clock.ts";
import type { Outcome, Queue, Work } from "./queue.ts";

/** When to look again, where nothing changes meanwhile. */
export interface Again {
  readonly afterSeconds: number;
}

export interface WorkersSettings {
  readonly queue: Queue;
  readonly clock: Clock;
  /** After which one piece of work is told to stop, and counts as failed. */
  readonly longestSeconds: number;
  /** Does one piece of work; `signal` ends it early. */
  readonly work: (work: Work, signal: AbortSignal) => Promise<Again | void>;
  /** Told of each end. */
  readonly ended: (work: Work, outcome: Outcome, seconds: number, error: unknown) => void;
}

export interface Workers {
  add(work: Work): void;
  addAfter(work: Work, seconds: number): void;
  /** Works until `signal` is aborted and what is at work has ended. What is added between two runs waits. */
  run(signal: AbortSignal): Promise<void>;
  /** Since when the oldest piece of work is under way, on the clock given. */
  oldest(): number | undefined;
}

export function openWorkers({ queue, clock, longestSeconds, work, ended }: WorkersSettings): Workers {
  const underWay = new Map<Work, { readonly since: number; readonly end: Promise<void> }>();
  /** Of what is at work: cheaper than a signal that is joined from two for each piece. */
  const stops = new Set<AbortController>();
  let running: AbortSignal | undefined;
  let cancelTimer = (): void => undefined;

  const doOne = async (one: Work, signal: AbortSignal): Promise<void> => {
    const since = clock.now();
    const stop = new AbortController();
    if (signal.aborted) stop.abort(signal.reason);
    stops.add(stop);
    const cancel = clock.after(longestSeconds * 1000, () =>
      stop.abort(new Error(`${one.group} ${one.key} took more than ${longestSeconds} s`)),
    );
    let outcome: Outcome = { result: "failed" };
    let failure: unknown;
    try {
      const again = await work(one, stop.signal);
      outcome = again ? { result: "again", afterSeconds: again.afterSeconds } : { result: "done" };
    } catch (error) {
      failure = error;
    } finally {
      cancel();
      stops.delete(stop);
    }
    underWay.delete(one);
    // What was cut off by our own end is no failure, and is due once more in the next run.
    if (signal.aborted && outcome.result === "failed") outcome = { result: "again", afterSeconds: 0 };
    else ended(one, outcome, (clock.now() - since) / 1000, failure);
    queue.done(one, outcome, clock.now());
    pump();
  };
  const pump = (): void => {
    cancelTimer();
    const signal = running;
    if (!signal || signal.aborted) return;
    for (let one = queue.take(clock.now()); one; one = queue.take(clock.now())) {
      const since = clock.now();
      const started = one;
      const end = Promise.resolve().then(() => doOne(started, signal));
      underWay.set(started, { since, end });
    }
    const due = queue.nextDue();
    if (due !== undefined) cancelTimer = clock.after(due - clock.now(), pump);
  };
  return {
    add(one) {
      queue.add(one, clock.now());
      pump();
    },
    addAfter(one, seconds) {
      queue.addAt(one, clock.now() + seconds * 1000);
      pump();
    },
    async run(signal) {
      if (running) throw new Error("these workers run already");
      if (signal.aborted) return;
      running = signal;
      pump();
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      cancelTimer();
      for (const stop of stops) stop.abort(signal.reason);
      while (underWay.size > 0) await Promise.all([...underWay.values()].map(({ end }) => end));
      running = undefined;
    },
    oldest: () => underWay.values().next().value?.since,
  };
}
