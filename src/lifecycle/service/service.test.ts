import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ClusterStatus, FederatedResource } from "#control/federation/api/federated.ts";
import { draftOf, type JsonObject } from "#control/federation/json.ts";
import { applyOverrides, overridesFor } from "#control/federation/place/overrides.ts";
import { selects } from "#control/federation/place/placement.ts";
import { fieldChanges } from "./changes.ts";
import { judge } from "./judge.ts";
import { rolloutOrder } from "./part.ts";
import { difference, finished, staged } from "./stage.ts";

const clusters = ["attic", "cellar", "loft"].map((name) => ({ name, labels: { kind: "home" } }));
const names = clusters.map(({ name }) => name);

function federated(template: JsonObject, placement: object = { clusterSelector: {} }): FederatedResource {
  return {
    apiVersion: "types.kubefed.io/v1beta1",
    kind: "FederatedDeployment",
    metadata: { name: "shop", namespace: "shop", generation: 3 },
    spec: { template, placement },
  };
}

/** What a site has of it; undefined where it is not placed there. */
function at(resource: FederatedResource, site: string): JsonObject | undefined {
  const cluster = clusters.find(({ name }) => name === site);
  if (!cluster || selects(resource, cluster) !== true) return undefined;
  const draft = draftOf(resource.spec?.template ?? {});
  const overrides = overridesFor(resource, site);
  if ("why" in overrides) throw new Error(overrides.why);
  expect(applyOverrides(draft, overrides)).toBeUndefined();
  return draft;
}

const leaf = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom("a", "b"), fc.constant(null));
const keys = fc.constantFrom("spec", "data", "a/b", "c~d", "image");
const template = fc.dictionary(keys, fc.oneof(leaf, fc.dictionary(keys, fc.oneof(leaf, fc.array(leaf)))));

describe("a new version, site by site", () => {
  const options = { clusters, spread: false };

  test("reaches exactly the sites whose turn it was, whatever the versions", () => {
    fc.assert(
      fc.property(template, template, fc.shuffledSubarray(names), (from, to, turn) => {
        let resource = federated(from);
        const wanted = federated(to);
        turn.forEach((site, index) => {
          resource = staged(resource, wanted, site, options);
          for (const one of names)
            expect(at(resource, one)).toEqual(turn.slice(0, index + 1).includes(one) ? to : from);
        });
        const last = finished(resource, wanted, options);
        for (const one of names) expect(at(last, one)).toEqual(to);
        expect(last.spec?.overrides ?? []).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test("changes nothing where it is already so, and so can be run again", () => {
    const before = staged(federated({ spec: { a: 1 } }), federated({ spec: { a: 2 } }), "attic", options);
    expect(staged(before, federated({ spec: { a: 2 } }), "attic", options)).toBe(before);
    const last = finished(before, federated({ spec: { a: 2 } }), options);
    expect(finished(last, federated({ spec: { a: 2 } }), options)).toBe(last);
  });

  test("goes on from a rollout that was given up", () => {
    const broken = staged(federated({ spec: { a: 1 } }), federated({ spec: { a: 2 } }), "attic", options);
    const mended = staged(broken, federated({ spec: { a: 3 } }), "attic", options);
    expect([at(mended, "attic"), at(mended, "cellar")]).toEqual([{ spec: { a: 3 } }, { spec: { a: 1 } }]);
    const back = staged(mended, federated({ spec: { a: 1 } }), "attic", options);
    expect(back.spec?.overrides).toEqual([]);
  });

  test("is nowhere before its first site, and then only there", () => {
    const wanted = federated({ spec: { a: 1 } });
    const first = staged(undefined, wanted, "cellar", options);
    expect(names.map((site) => at(first, site) !== undefined)).toEqual([false, true, false]);
    const second = staged(first, wanted, "attic", options);
    expect(names.map((site) => at(second, site) !== undefined)).toEqual([true, true, false]);
    expect(finished(second, wanted, options).spec?.placement).toEqual({ clusterSelector: {} });
  });

  test("leaves replicas to a preference that spreads them", () => {
    const spread = { clusters, spread: true };
    const before = {
      ...federated({ spec: { replicas: 2, image: "a" } }, { clusters: [{ name: "attic" }] }),
    };
    const override = { clusterName: "attic", clusterOverrides: [{ path: "/spec/replicas", value: 5 }] };
    const scheduled = { ...before, spec: { ...before.spec, overrides: [override] } } as FederatedResource;
    const wanted = federated({ spec: { replicas: 1, image: "b" } });
    const next = staged(scheduled, wanted, "attic", spread);
    expect(at(next, "attic")).toEqual({ spec: { replicas: 5, image: "b" } });
    expect(at(finished(next, wanted, spread), "attic")).toEqual({ spec: { replicas: 5, image: "b" } });
  });

  test("keeps what runs when a preference takes over from a fixed number", () => {
    const before = federated({ spec: { replicas: 4 } }, { clusters: [{ name: "attic" }] });
    const last = finished(before, federated({ spec: { replicas: 1 } }), { spread: true });
    expect(at(last, "attic")).toEqual({ spec: { replicas: 4 } });
  });
});

test("sites come in the order of the list, else by name", () => {
  const list = { clusters: [{ name: "loft" }, { name: "gone" }, { name: "attic" }] };
  expect(rolloutOrder(list, clusters)).toEqual(["loft", "attic"]);
  expect(rolloutOrder({ clusterSelector: { matchLabels: { kind: "home" } } }, clusters.toReversed())).toEqual(
    names,
  );
});

test("steps are as few as their depth allows", () => {
  expect(difference({ a: { b: 1, c: [1] } }, { a: { b: 1, c: [2] } })).toEqual([
    { op: "replace", path: "/a/c", value: [2] },
  ]);
  expect(difference({}, {})).toEqual([]);
});

test("what differs is told as deep as it can be", () => {
  const before = { list: [{ image: "a" }, { image: "b" }], "x/y": 1 };
  expect(fieldChanges(before, { list: [{ image: "a" }, { image: "c" }] })).toEqual([
    { path: "/list/1/image", before: "b", after: "c" },
    { path: "/x~1y", before: 1, after: undefined },
  ]);
});

describe("whether it is well at a site", () => {
  const well = {
    observedGeneration: 7,
    replicas: 2,
    updatedReplicas: 2,
    availableReplicas: 2,
    readyReplicas: 2,
  };
  const said = (entry: Partial<ClusterStatus>, remote: JsonObject = {}) => {
    const full = {
      name: "attic",
      observedGeneration: 3,
      remoteGeneration: 7,
      remoteStatus: { ...well, ...remote },
      ...entry,
    };
    const resource = { ...federated({ spec: { replicas: 2 } }), status: { clusters: [full] } };
    return judge("attic", [{ resource }]);
  };

  test.each([
    ["all of it is available", {}, {}, "well", ""],
    ["it has not heard of it", { observedGeneration: 2 }, {}, "waiting", /has not taken up/],
    ["its status is about the version before", { remoteGeneration: 8 }, {}, "waiting", /nobody/],
    ["the API refuses it", { status: "UpdateFailed", message: "no" }, {}, "troubled", /UpdateFailed, no/],
    [
      "its namespace goes first",
      { status: "CreationFailed", message: "it is being terminated" },
      {},
      "waiting",
      /Failed/,
    ],
    ["too few are available", {}, { availableReplicas: 1 }, "waiting", /1 of 2 replicas/],
    ["too few are new", {}, { updatedReplicas: 1 }, "waiting", /1 of 2 replicas/],
    ["old ones are left", {}, { replicas: 3 }, "waiting", /1 of the replicas .* version before/],
    [
      "the site has given up",
      {},
      { conditions: [{ type: "Progressing", status: "False", reason: "Late", message: "too slow" }] },
      "unwell",
      /Late, too slow/,
    ],
    [
      "pods are refused",
      {},
      { conditions: [{ type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: "quota" }] },
      "troubled",
      /quota/,
    ],
  ] as const)("%s", (_, entry, remote, state, why) => {
    const found = said(entry, remote);
    expect(found.state).toBe(state);
    expect(found.why).toMatch(why);
  });

  test("nothing of it is there", () => {
    expect(judge("loft", [{ resource: federated({}) }])).toMatchObject({ state: "waiting" });
  });
});
