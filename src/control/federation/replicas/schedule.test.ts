import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ClusterPreferences, PreferenceSpec } from "../api/preference.ts";
import { federated, federatedNamespace } from "../test/federated.ts";
import { fnv32 } from "./fnv.ts";
import { candidates, scheduled } from "./scheduled.ts";
import { type Replicas, type ReplicaState, schedule } from "./schedule.ts";

const idle: ReplicaState = { current: {}, capacity: {} };

function spec(
  totalReplicas: number,
  clusters: PreferenceSpec["clusters"],
  rebalance = false,
): PreferenceSpec {
  return { targetKind: "FederatedDeployment", totalReplicas, rebalance, ...(clusters && { clusters }) };
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

it("hashes as FNV-1 does", () => {
  // Test vectors of the FNV reference code (draft-eastlake-fnv, appendix C).
  expect([fnv32(""), fnv32("a"), fnv32("foobar")]).toEqual([0x811c9dc5, 0x050c5d7e, 0x31f0b262]);
});

describe("a schedule", () => {
  const planned = (preference: PreferenceSpec, clusters: readonly string[], state: ReplicaState = idle) =>
    schedule(preference, "shop/web", clusters, state).planned;

  it("goes by weight, and evenly where nothing is said", () => {
    expect(planned(spec(9, { a: { weight: 1 }, b: { weight: 2 } }), ["a", "b"])).toEqual({ a: 3, b: 6 });
    expect(planned(spec(9, undefined), ["a", "b", "c"])).toEqual({ a: 3, b: 3, c: 3 });
    expect(planned(spec(9, {}), ["a", "b", "c"])).toEqual({ a: 3, b: 3, c: 3 });
  });

  it("uses * for clusters that are not named; without it they get nothing", () => {
    expect(planned(spec(4, { a: { weight: 1 }, "*": { weight: 3 } }), ["a", "b"])).toEqual({ a: 1, b: 3 });
    expect(planned(spec(4, { a: { weight: 1 } }), ["a", "b"])).toEqual({ a: 4, b: 0 });
  });

  it("keeps minima and maxima; weight 0 gets its minimum only", () => {
    const clusters = { a: { minReplicas: 2 }, b: { weight: 1, maxReplicas: 3 }, c: { weight: 1 } };
    expect(planned(spec(10, clusters), ["a", "b", "c"])).toEqual({ a: 2, b: 3, c: 5 });
  });

  it("moves nothing unless it rebalances", () => {
    const clusters = { a: { weight: 1 }, b: { weight: 1 } };
    const state = { current: { a: 8, b: 0 }, capacity: {} };
    expect(planned(spec(10, clusters), ["a", "b"], state)).toEqual({ a: 8, b: 2 });
    expect(planned(spec(10, clusters, true), ["a", "b"], state)).toEqual({ a: 5, b: 5 });
  });

  it("sends elsewhere what a cluster has no room for, and asks it for the rest as well when it rebalances", () => {
    const clusters = { a: { weight: 1 }, b: { weight: 1 } };
    const full = { current: {}, capacity: { a: 2 } };
    expect(schedule(spec(10, clusters, true), "k", ["a", "b"], full)).toEqual({
      planned: { a: 2, b: 8 },
      overflow: { a: 3 },
    });
    expect(schedule(spec(10, clusters), "k", ["a", "b"], full).overflow).toEqual({});
    const capped = { a: { weight: 1 }, b: { weight: 1, maxReplicas: 5 } };
    expect(schedule(spec(10, capped), "k", ["a", "b"], full)).toEqual({
      planned: { a: 2, b: 5 },
      overflow: { a: 3 },
    });
  });

  it("breaks ties by object, not by alphabet", () => {
    const winners = Array.from({ length: 40 }, (_, index) => {
      const counts = schedule(
        spec(1, undefined),
        `shop/${"web".repeat(index)}`,
        ["a", "b", "c"],
        idle,
      ).planned;
      return Object.entries(counts).find(([, count]) => count === 1)?.[0];
    });
    expect(new Set(winners)).toEqual(new Set(["a", "b", "c"]));
  });
});

describe("any schedule", () => {
  const names = ["a", "b", "c", "d", "e"];
  const preference: fc.Arbitrary<ClusterPreferences> = fc
    .record({ minReplicas: fc.nat(10), more: fc.option(fc.nat(20), { nil: undefined }), weight: fc.nat(5) })
    .map(({ minReplicas, more, weight }) => ({
      minReplicas,
      weight,
      ...(more !== undefined && { maxReplicas: minReplicas + more }),
    }));
  const someOf = <T>(value: fc.Arbitrary<T>, keys: readonly string[]) =>
    fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: keys.length });
  const problem = fc.record({
    total: fc.nat(60),
    clusters: someOf(preference, [...names, "*"]),
    current: someOf(fc.nat(30), names),
    capacity: someOf(fc.nat(20), names),
    rebalance: fc.boolean(),
  });
  const prefer = (clusters: Readonly<Record<string, ClusterPreferences>>, name: string) =>
    Object.keys(clusters).length === 0 ? { weight: 1 } : (clusters[name] ?? clusters["*"]);

  it("places all that can be placed, within every bound, and the same again", () => {
    fc.assert(
      fc.property(problem, fc.shuffledSubarray(names, { minLength: 5 }), (one, order) => {
        const ask = spec(one.total, one.clusters, one.rebalance);
        const { planned } = schedule(ask, "k", names, one);
        expect(schedule(ask, "k", order, one).planned).toEqual(planned);
        expect(sum(planned)).toBeLessThanOrEqual(one.total);
        let room = 0;
        for (const name of names) {
          const wanted = prefer(one.clusters, name);
          const limit = Math.min(wanted?.maxReplicas ?? Infinity, one.capacity[name] ?? Infinity);
          expect(planned[name]).toBeLessThanOrEqual(wanted ? limit : 0);
          room += !wanted ? 0 : (wanted.weight ?? 0) > 0 ? limit : Math.min(wanted.minReplicas ?? 0, limit);
        }
        expect(sum(planned)).toBeGreaterThanOrEqual(Math.min(one.total, room));
        const least = names.map((name) => prefer(one.clusters, name)?.minReplicas ?? 0);
        const granted = least.reduce((a, b) => a + b, 0) <= one.total;
        for (const [index, name] of names.entries()) {
          const owed = Math.min(least[index] ?? 0, one.capacity[name] ?? Infinity);
          expect(planned[name]).toBeGreaterThanOrEqual(granted ? owed : 0);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("without rebalancing takes no running replica away while all fit", () => {
    fc.assert(
      fc.property(problem, (one) => {
        const { planned } = schedule(spec(one.total, one.clusters), "k", names, one);
        const floors = names.map((name) => {
          const wanted = prefer(one.clusters, name);
          const limit = Math.min(wanted?.maxReplicas ?? Infinity, one.capacity[name] ?? Infinity);
          return wanted ? Math.min(limit, Math.max(one.current[name] ?? 0, wanted.minReplicas ?? 0)) : 0;
        });
        if (floors.reduce((a, b) => a + b, 0) > one.total) return;
        for (const [index, name] of names.entries())
          expect(planned[name]).toBeGreaterThanOrEqual(floors[index] ?? 0);
      }),
      { numRuns: 500 },
    );
  });

  it("is at rest once it runs", () => {
    fc.assert(
      fc.property(problem, (one) => {
        const ask = spec(one.total, one.clusters);
        const { planned } = schedule(ask, "k", names, one);
        expect(schedule(ask, "k", names, { ...one, current: planned }).planned).toEqual(planned);
      }),
      { numRuns: 500 },
    );
  });
});

describe("a scheduled resource", () => {
  const replicas: Replicas = { planned: { b: 2, a: 1 }, overflow: { a: 3 } };

  it("is placed where it is scheduled, with its replicas as overrides beside others", () => {
    const resource = federated({
      overrides: [
        { clusterName: "a", clusterOverrides: [{ path: "/spec/paused", value: true }] },
        { clusterName: "gone", clusterOverrides: [{ path: "/spec/replicas", value: 9 }] },
      ],
    });
    const result = scheduled(resource, replicas);
    expect(result?.spec).toEqual({
      placement: { clusterSelector: {}, clusters: [{ name: "a" }, { name: "b" }] },
      overrides: [
        {
          clusterName: "a",
          clusterOverrides: [
            { path: "/spec/paused", value: true },
            { path: "/spec/replicas", value: 4 },
          ],
        },
        { clusterName: "b", clusterOverrides: [{ path: "/spec/replicas", value: 2 }] },
      ],
    });
    expect(scheduled(result ?? {}, replicas)).toBeUndefined();
  });

  it("goes to every ready cluster, or where resource and namespace select", () => {
    const ready = [
      { name: "a", labels: { tier: "gold" } },
      { name: "b", labels: {} },
    ];
    const resource = federated({
      placement: { clusters: [], clusterSelector: { matchLabels: { tier: "gold" } } },
    });
    const all = spec(1, undefined);
    expect(candidates(all, resource, undefined, ready)).toEqual(["a", "b"]);
    const narrowed = { ...all, intersectWithClusterSelector: true };
    expect(candidates(narrowed, resource, federatedNamespace(), ready)).toEqual(["a"]);
    expect(candidates(narrowed, resource, undefined, ready)).toEqual([]);
  });
});
