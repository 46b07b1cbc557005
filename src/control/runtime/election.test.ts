import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KubeError, type Kube } from "#ports/kube.ts";
import { type VirtualClock, virtualClock } from "./clock.fixture.ts";
import { type Clock, pause } from "./clock.ts";
import { ELECTION_TIMES, look, mayLead, nextStep } from "./election.ts";
import { elect, type Lease } from "./leader.ts";

describe("decisions", () => {
  const lease = { holder: "other", leaseSeconds: 10, resourceVersion: "1" };

  it("wait for what others hold, from the moment it was first seen", () => {
    const seen = look(undefined, lease, 1000);
    expect(nextStep(undefined, "me", 0)).toEqual({ do: "create" });
    expect(nextStep(seen, "me", 4000)).toEqual({ do: "wait", milliseconds: 7000 });
    expect(nextStep(look(seen, lease, 9000), "me", 11_000)).toEqual({ do: "take", resourceVersion: "1" });
    expect(nextStep(look(seen, { ...lease, resourceVersion: "2" }, 9000), "me", 11_000)).toEqual({
      do: "wait",
      milliseconds: 8000,
    });
    expect(nextStep({ ...seen, holder: "" }, "me", 1000)).toMatchObject({ do: "take" });
    expect(nextStep({ ...seen, holder: "me" }, "me", 1000)).toMatchObject({ do: "take" });
  });

  it("end a term by whichever clock shows that more time has passed", () => {
    const began = { now: 0, wall: 0 };
    expect(mayLead(began, { now: 5999, wall: 5999 }, ELECTION_TIMES)).toBe(true);
    expect(mayLead(began, { now: 6000, wall: 0 }, ELECTION_TIMES)).toBe(false);
    expect(mayLead(began, { now: 10, wall: 3_600_000 }, ELECTION_TIMES)).toBe(false);
    expect(mayLead(began, { now: 10, wall: -3_600_000 }, ELECTION_TIMES)).toBe(true);
  });
});

/** One lease in a store that refuses what is not based on its present version; slow, and deaf when told so. */
function leaseStore(clock: Clock, delay: () => number) {
  let lease: Lease | undefined;
  let version = 0;
  const deaf = new Set<string>();
  const never = new AbortController().signal;
  const fail = (code: string, status: number): never => {
    throw new KubeError({ code, message: code }, status, "");
  };
  const forCandidate = (name: string): Pick<Kube, "find" | "create" | "replace" | "listAndWatch"> => {
    const reach = async (signal: AbortSignal | undefined): Promise<void> => {
      await pause(clock, delay(), never);
      if (deaf.has(name) || signal?.aborted) fail("KUBE_UNREACHABLE", 0);
    };
    const write = async (object: Lease, signal: AbortSignal | undefined): Promise<Lease> => {
      await reach(signal);
      if (object.metadata?.resourceVersion !== lease?.metadata?.resourceVersion) fail("KUBE_CONFLICT", 409);
      version += 1;
      lease = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
      const written = lease;
      await reach(signal);
      return written;
    };
    return {
      find: (async (_: unknown, options?: { signal?: AbortSignal }) => {
        await reach(options?.signal);
        return lease;
      }) as Kube["find"],
      create: ((_: unknown, object: Lease, options?: { signal?: AbortSignal }) =>
        write(object, options?.signal)) as Kube["create"],
      replace: ((_: unknown, object: Lease, options?: { signal?: AbortSignal }) =>
        write(object, options?.signal)) as unknown as Kube["replace"],
      // The watch may be as late as it likes: it never comes.
      listAndWatch: async () => undefined,
    };
  };
  return { forCandidate, deaf, holder: () => lease?.spec?.holderIdentity };
}

describe("an election", () => {
  it("never has two leaders, whatever is slow, cut off or dead, and has one when all is well again", async () => {
    const plan = fc.record({
      delays: fc.array(fc.nat(700), { minLength: 5, maxLength: 30 }),
      cuts: fc.array(fc.record({ who: fc.nat(2), wait: fc.nat(9000), length: fc.nat(20_000) }), {
        maxLength: 6,
      }),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ delays, cuts }) => {
        const clock: VirtualClock = virtualClock();
        let call = 0;
        const store = leaseStore(clock, () => delays[(call += 1) % delays.length] ?? 0);
        const stop = new AbortController();
        const leaders = new Set<string>();
        let terms = 0;
        const candidates = ["a", "b", "c"].map((identity) =>
          elect(
            {
              kube: store.forCandidate(identity),
              namespace: "n",
              name: "l",
              identity,
              times: ELECTION_TIMES,
              clock,
              random: () => 0.5,
              signal: stop.signal,
            },
            async (signal) => {
              leaders.add(identity);
              terms += 1;
              expect([...leaders]).toHaveLength(1);
              await new Promise<void>((resolve) => {
                if (signal.aborted) resolve();
                signal.addEventListener("abort", () => resolve(), { once: true });
              });
              leaders.delete(identity);
            },
          ),
        );
        for (const { who, wait, length } of cuts) {
          await clock.advance(wait);
          const name = "abc"[who] ?? "a";
          store.deaf.add(name);
          await clock.advance(length);
          store.deaf.delete(name);
        }
        await clock.advance(40_000);
        expect([leaders.size, terms > 0]).toEqual([1, true]);
        stop.abort();
        await clock.advance(10_000);
        await Promise.all(candidates);
        expect(leaders.size).toBe(0);
      }),
      { numRuns: 20 },
    );
  });
});
