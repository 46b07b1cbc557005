import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffSeconds } from "./backoff.ts";
import { virtualClock } from "./clock.fixture.ts";
import { openHeap } from "./heap.ts";
import { EAGER_SECONDS, openQueue, type Outcome, type QueueSettings, type Work } from "./queue.ts";
import { openWorkers } from "./workers.ts";

const SETTINGS: QueueSettings = {
  concurrency: 4,
  groupConcurrency: 2,
  backoff: { firstSeconds: 1, longestSeconds: 60 },
  random: () => 1,
};
const DONE: Outcome = { result: "done" };
const FAILED: Outcome = { result: "failed" };
const name = ({ group, key }: Work): string => `${group}/${key}`;
const work = (text: string): Work => {
  const [group = "", key = ""] = text.split("/");
  return { group, key };
};

describe("backoff", () => {
  it("doubles up to its ceiling, never less than half and never above", () => {
    const backoff = { firstSeconds: 0.1, longestSeconds: 30 };
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failures, drawn) => {
          const seconds = backoffSeconds(failures, backoff, () => drawn);
          const full = Math.min(30, 0.1 * 2 ** (failures - 1));
          expect(seconds).toBeGreaterThanOrEqual(full / 2);
          expect(seconds).toBeLessThanOrEqual(full);
        },
      ),
    );
  });
});

describe("heap", () => {
  it("gives what was put in, sorted", () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (numbers) => {
        const heap = openHeap<number>((left, right) => left < right);
        for (const number of numbers) heap.push(number);
        expect(numbers.map(() => heap.pop())).toEqual(numbers.toSorted((a, b) => a - b));
        expect([heap.pop(), heap.size]).toEqual([undefined, 0]);
      }),
    );
  });
});

describe("queue", () => {
  it("gives each key once, and once more where it changed while it was at work", () => {
    const queue = openQueue(SETTINGS);
    for (let count = 0; count < 3; count += 1) queue.add(work("a/1"), 0);
    expect(queue.take(0)).toEqual(work("a/1"));
    expect(queue.take(0)).toBeUndefined();
    queue.add(work("a/1"), 0);
    queue.add(work("a/1"), 0);
    expect(queue.take(0)).toBeUndefined();
    queue.done(work("a/1"), DONE, 0);
    expect(queue.take(0)).toEqual(work("a/1"));
    queue.done(work("a/1"), DONE, 0);
    expect([queue.take(0), queue.nextDue(), queue.depths()]).toEqual([undefined, undefined, []]);
  });

  it("lets groups take turns, however long one of them is", () => {
    const queue = openQueue({ ...SETTINGS, concurrency: 1 });
    for (let key = 0; key < 200_000; key += 1) queue.add({ group: "big", key: String(key) }, 0);
    for (const key of ["1", "2"]) queue.add({ group: "small", key }, 0);
    const order: string[] = [];
    for (let count = 0; count < 6; count += 1) {
      const one = queue.take(0);
      if (!one) break;
      order.push(name(one));
      queue.done(one, DONE, 0);
    }
    expect(order).toEqual(["big/0", "small/1", "big/1", "small/2", "big/2", "big/3"]);
    const began = performance.now();
    for (let one = queue.take(0); one; one = queue.take(0)) queue.done(one, DONE, 0);
    expect(performance.now() - began).toBeLessThan(5000);
  });

  it("gives a group that fails one worker, until it is well", () => {
    const queue = openQueue(SETTINGS);
    for (const key of ["1", "2", "3", "4"]) queue.add({ group: "ill", key }, 0);
    const [first, second] = [queue.take(0), queue.take(0)];
    expect(queue.take(0)).toBeUndefined();
    queue.done(first ?? work("/"), FAILED, 0);
    expect(queue.take(0)).toBeUndefined();
    queue.done(second ?? work("/"), FAILED, 0);
    const third = queue.take(0);
    expect([third, queue.take(0)]).toEqual([work("ill/3"), undefined]);
    queue.done(third ?? work("/"), DONE, 0);
    expect([queue.take(0), queue.take(0)]).toEqual([work("ill/4"), undefined]);
  });

  it("waits longer after each failure, tries sooner what changed, and forgets on success", () => {
    const queue = openQueue(SETTINGS);
    queue.add(work("a/1"), 0);
    let now = 0;
    for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
      queue.done(queue.take(now) ?? work("/"), FAILED, now);
      expect(queue.nextDue()).toBe(now + seconds * 1000);
      expect(queue.take(now + seconds * 1000 - 1)).toBeUndefined();
      now += seconds * 1000;
    }
    queue.done(queue.take(now) ?? work("/"), FAILED, now);
    queue.add(work("a/1"), now);
    expect(queue.nextDue()).toBe(now + EAGER_SECONDS * 1000);
    now += EAGER_SECONDS * 1000;
    queue.done(queue.take(now) ?? work("/"), DONE, now);
    queue.add(work("a/1"), now);
    queue.done(queue.take(now) ?? work("/"), FAILED, now);
    expect(queue.nextDue()).toBe(now + 1000);
  });

  it("loses nothing, works on nothing twice at once, and keeps its bounds, whatever happens", () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("add" as const), key: fc.nat(5), group: fc.nat(2) }),
      fc.record({ do: fc.constant("later" as const), key: fc.nat(5), group: fc.nat(2), after: fc.nat(5000) }),
      fc.record({ do: fc.constant("take" as const) }),
      fc.record({
        do: fc.constant("end" as const),
        which: fc.nat(9),
        how: fc.constantFrom<Outcome[]>(DONE, FAILED, { result: "again", afterSeconds: 3 }),
      }),
      fc.record({ do: fc.constant("pass" as const), time: fc.nat(3000) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = openQueue(SETTINGS);
        const active = new Map<string, Work>();
        /** Added and not begun since. */
        const owed = new Set<string>();
        let now = 0;
        const take = (): boolean => {
          const one = queue.take(now);
          if (!one) return false;
          expect(active.has(name(one))).toBe(false);
          active.set(name(one), one);
          owed.delete(name(one));
          expect(active.size).toBeLessThanOrEqual(SETTINGS.concurrency);
          expect([...active.values()].filter(({ group }) => group === one.group).length).toBeLessThanOrEqual(
            SETTINGS.groupConcurrency,
          );
          return true;
        };
        for (const one of steps) {
          if (one.do === "add" || one.do === "later") {
            const thing = { group: `g${one.group}`, key: `k${one.key}` };
            owed.add(name(thing));
            if (one.do === "add") queue.add(thing, now);
            else queue.addAt(thing, now + one.after);
          } else if (one.do === "take") take();
          else if (one.do === "pass") now += one.time;
          else {
            const chosen = [...active.values()][one.which];
            if (!chosen) continue;
            active.delete(name(chosen));
            queue.done(chosen, one.how, now);
          }
        }
        for (let round = 0; round < 500 && (owed.size > 0 || active.size > 0); round += 1) {
          while (take());
          for (const one of active.values()) queue.done(one, DONE, now);
          active.clear();
          now = Math.max(now, queue.nextDue() ?? now);
        }
        expect([...owed]).toEqual([]);
      }),
    );
  });
});

describe("workers", () => {
  it("do what is added, again what asks for it, and end in order", async () => {
    const clock = virtualClock();
    const log: string[] = [];
    const stop = new AbortController();
    const workers = openWorkers({
      queue: openQueue(SETTINGS),
      clock,
      longestSeconds: 10,
      work: async ({ key }, signal) => {
        log.push(`${clock.now()} ${key}`);
        if (key === "fails" && clock.now() === 0) throw new Error("not yet");
        if (key === "again" && clock.now() === 0) return { afterSeconds: 5 };
        if (key === "hangs")
          await new Promise((_, reject) =>
            signal.addEventListener("abort", () => reject(new Error("told to"))),
          );
        return undefined;
      },
      ended: ({ key }, { result }, seconds) => log.push(`${clock.now()} ${key} ${result} after ${seconds}`),
    });
    workers.add(work("a/fails"));
    const running = workers.run(stop.signal);
    workers.add(work("b/again"));
    await clock.advance(7000);
    workers.add(work("c/hangs"));
    await clock.advance(10_000);
    expect(log).toEqual([
      "0 fails",
      "0 again",
      "0 fails failed after 0",
      "0 again again after 0",
      "1000 fails",
      "1000 fails done after 0",
      "5000 again",
      "5000 again done after 0",
      "7000 hangs",
      "17000 hangs failed after 10",
    ]);
    await clock.advance(1000);
    expect(workers.oldest()).toBe(18_000);
    stop.abort();
    await running;
    expect(workers.oldest()).toBeUndefined();
    expect(log.at(-1)).toBe("18000 hangs");
  });
});
