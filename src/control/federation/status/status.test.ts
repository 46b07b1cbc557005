import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ClusterStatus, FederatedResource } from "../api/federated.ts";
import { federated, federatedNamespace } from "../test/federated.ts";
import { dueAt, noted, type Pending, yielding } from "./coalesce.ts";
import { judge, propagation } from "./condition.ts";
import { failureOf, isRecoverable } from "./words.ts";

const attic = { name: "attic", labels: {}, ready: true };
const cellar = { name: "cellar", labels: {}, ready: true };

function withStatus(
  clusters: readonly ClusterStatus[],
  spec: FederatedResource["spec"] = {},
): FederatedResource {
  return { ...federated(spec ?? {}, { generation: 2 }), status: { clusters } };
}

describe("the condition", () => {
  const judged = (
    resource: FederatedResource,
    clusters = [attic, cellar],
    namespace: FederatedResource | undefined = federatedNamespace(),
  ) => judge({ resource, namespaced: true, namespace, clusters });
  const well = [
    { name: "attic", observedGeneration: 2 },
    { name: "cellar", status: "", observedGeneration: 2 },
  ];

  it("is well when every selected cluster has this generation", () => {
    expect(judged(withStatus(well))).toEqual({ reason: "", message: "", waiting: false });
  });

  it("says of every cluster what is wrong there", () => {
    const clusters = [
      { name: "attic", status: "UpdateFailed", message: "spec.x: is immutable", observedGeneration: 1 },
      { name: "cellar", observedGeneration: 1 },
    ];
    expect(
      judged(withStatus(clusters), [
        attic,
        cellar,
        { ...attic, name: "barn" },
        { ...attic, name: "mill", ready: false },
      ]),
    ).toEqual({
      reason: "CheckClusters",
      message:
        "attic: UpdateFailed, spec.x: is immutable; cellar: still has generation 1; barn: not there yet; mill: ClusterNotReady",
      waiting: false,
    });
    const late = [well[0] as ClusterStatus, { name: "cellar", observedGeneration: 1 }];
    expect(judged(withStatus(late)).waiting).toBe(true);
    // One that is away holds up nothing, and makes nothing hurry.
    const mill = { ...attic, name: "mill", ready: false };
    expect(judged(withStatus(late), [attic, cellar, mill]).waiting).toBe(true);
    expect(judged(withStatus(well), [attic, cellar, mill]).waiting).toBe(false);
  });

  it("minds what a cluster that is no longer selected still has, and not that it is away", () => {
    const only = { placement: { clusters: [{ name: "attic" }] } };
    expect(judged(withStatus(well, only), [attic, { ...cellar, ready: false }]).reason).toBe("");
    const stuck = [well[0] as ClusterStatus, { name: "cellar", status: "WaitingForRemoval" }];
    expect(judged(withStatus(stuck, only)).message).toBe("cellar: WaitingForRemoval");
  });

  it("tells of a namespace that is not federated, a selector that can't be read, and one that matches nothing", () => {
    const alone = judge({
      resource: withStatus([]),
      namespaced: true,
      namespace: undefined,
      clusters: [attic],
    });
    expect(alone.reason).toBe("NamespaceNotFederated");
    const unreadable = {
      placement: { clusterSelector: { matchExpressions: [{ key: "a", operator: "Near" }] } },
    };
    expect(judged(withStatus([], unreadable)).reason).toBe("ComputePlacementFailed");
    const nowhere = { placement: { clusterSelector: { matchLabels: { a: "b" } } } };
    expect(judged(withStatus([], nowhere))).toEqual({
      reason: "",
      message: "no cluster is selected",
      waiting: false,
    });
    expect(judged(withStatus([], { placement: { clusters: [] } })).message).toBe("");
  });

  it("is left as it is when nothing changed, and keeps its transition while only the words change", () => {
    const first = propagation(undefined, { reason: "CheckClusters", message: "a" }, false, "1");
    expect(first).toEqual({
      type: "Propagation",
      status: "False",
      reason: "CheckClusters",
      message: "a",
      lastUpdateTime: "1",
      lastTransitionTime: "1",
    });
    expect(propagation(first, { reason: "CheckClusters", message: "a" }, false, "2")).toBe(first);
    expect(propagation(first, { reason: "CheckClusters", message: "b" }, false, "2").lastTransitionTime).toBe(
      "1",
    );
    const right = propagation(first, { reason: "", message: "" }, false, "3");
    expect(right).toEqual({
      type: "Propagation",
      status: "True",
      lastUpdateTime: "3",
      lastTransitionTime: "3",
    });
    expect(propagation(right, { reason: "", message: "" }, true, "4").lastUpdateTime).toBe("4");
  });
});

it("names failures as kubefed does", () => {
  expect([failureOf("create"), failureOf("update", true), failureOf("release")]).toEqual([
    "CreationFailed",
    "UpdateTimedOut",
    "LabelRemovalFailed",
  ]);
  expect([isRecoverable("UpdateFailed"), isRecoverable("ManagedLabelFalse"), isRecoverable("")]).toEqual([
    true,
    false,
    false,
  ]);
});

describe("coalescing", () => {
  const pace = { quietMs: 50, mostMs: 500, apartMs: 200 };

  it("waits for quiet, at most so long, and never writes twice in a moment", () => {
    const one = noted(undefined, 1000, false);
    expect(dueAt(one, undefined, pace)).toBe(1050);
    expect(dueAt(noted(one, 1040, false), undefined, pace)).toBe(1090);
    expect(dueAt(noted(one, 1490, false), undefined, pace)).toBe(1500);
    expect(dueAt(one, 990, pace)).toBe(1190);
    expect(dueAt(noted(one, 1010, true), undefined, pace)).toBe(1000);
  });

  it("gives way to a burst, but not for ever, and not where something went wrong", () => {
    const one = noted(undefined, 1000, false);
    expect(yielding(1050, one, { size: 3, last: 1040 })).toBe(1050);
    expect(yielding(1050, one, { size: 500, last: 1040 })).toBe(1290);
    expect(yielding(1050, one, { size: 500, last: 30_000 })).toBe(11_000);
    expect(yielding(1050, noted(one, 1040, true), { size: 500, last: 1040 })).toBe(1050);
  });

  it("writes every change in time, and few times, whatever comes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ after: fc.nat(80), urgent: fc.boolean() }), { maxLength: 200 }),
        (changes) => {
          let now = 0;
          let pending: Pending | undefined;
          const writes: number[] = [];
          const write = (until: number) => {
            const due = pending && Math.max(dueAt(pending, writes.at(-1), pace), pending.since);
            if (!pending || due === undefined || due > until) return;
            expect(due - pending.since).toBeLessThanOrEqual(Math.max(pace.mostMs, pace.apartMs));
            writes.push(due);
            pending = undefined;
          };
          for (const { after, urgent } of changes) {
            write(now + after);
            now += after;
            pending = noted(pending, now, urgent);
          }
          write(Number.POSITIVE_INFINITY);
          expect(pending).toBeUndefined();
          for (const [index, at] of writes.slice(1).entries())
            expect(at - (writes[index] ?? 0)).toBeGreaterThanOrEqual(pace.apartMs);
        },
      ),
    );
  });
});
