import { describe, expect, it } from "vitest";
import type { KubeObject } from "#ports/kube.ts";
import { keyText, type MirrorSpec } from "../api/mirror.ts";
import { brake } from "./brake.ts";
import { farewell, removalOf } from "./removal.ts";
import { absences, buried, confirmedUpTo, isSpent } from "./tombstones.ts";

const at = "2026-01-01T00:00:00Z";

function mirror(name: string, annotations: Readonly<Record<string, string>> = {}): MirrorSpec {
  const key = {
    group: "apps",
    version: "v1",
    kind: "Deployment",
    plural: "deployments",
    namespace: "shop",
    name,
  };
  return {
    ...key,
    uid: "u",
    epoch: 1001,
    resourceVersion: "5",
    hash: "h",
    body: { metadata: { annotations } },
  };
}

describe("a tombstone", () => {
  it("has the version of the deletion and what the annotations asked for, and no body", () => {
    const options = '{"propagationPolicy":"Orphan"}';
    const annotations = { "kubefed.io/orphan": "true", "kubefed.io/deleteoption": options };
    const dead = buried(mirror("web", annotations), { epoch: 2001, resourceVersion: "9" }, at);
    expect(dead).toMatchObject({
      epoch: 2001,
      resourceVersion: "9",
      tombstone: { deletedAt: at, orphan: true, deleteOptions: options },
    });
    expect(dead).not.toHaveProperty("body");
  });

  it("is confirmed in the hub's order, up to the first that is not carried out", () => {
    const grave = (revision: string, done: boolean) => ({ revision, done });
    expect(confirmedUpTo([])).toBeUndefined();
    expect(confirmedUpTo([grave("9", false), grave("12", true)])).toBeUndefined();
    expect(confirmedUpTo([grave("12", false), grave("9", true), grave("11", true)])).toBe("11");
    expect(confirmedUpTo([grave("9", true), grave("10", true)])).toBe("10");
  });

  it("is spent when every site that there still is has confirmed it to this very hub", () => {
    const grave = { epoch: 2001, resourceVersion: "100" };
    const said = new Map([
      ["attic", { epoch: 2001, resourceVersion: "100" }],
      ["barn", { epoch: 2001, resourceVersion: "99" }],
      ["cellar", { epoch: 3003, resourceVersion: "500" }],
    ]);
    expect(isSpent(grave, said, ["attic"])).toBe(true);
    expect(isSpent(grave, said, ["attic", "barn"])).toBe(false);
    expect(isSpent(grave, said, ["attic", "cellar"])).toBe(false);
    expect(isSpent(grave, said, ["attic", "never heard"])).toBe(false);
    expect(isSpent(grave, said, [])).toBe(true);
  });

  it("alone makes an absence a deletion: an empty hub deletes nothing", () => {
    const mirrors = [mirror("a"), mirror("b"), mirror("c")];
    const [a, b] = mirrors.map(keyText);
    const found = absences(mirrors, new Set([a ?? ""]), new Set([b ?? ""]));
    expect(found.deleted.map(({ name }) => name)).toEqual(["b"]);
    expect(found.unexplained.map(({ name }) => name)).toEqual(["c"]);
    expect(absences(mirrors, new Set(), new Set()).deleted).toEqual([]);
  });
});

describe("the brake", () => {
  const pending = (count: number, from = 0) =>
    Array.from({ length: count }, (_, index) => ({
      key: `k${from + index}`,
      epoch: 1001,
      resourceVersion: `${from + index}`,
    }));

  it("lets the budget through: a number or a share, whichever is more", () => {
    expect(brake("attic", pending(50), 60).held).toEqual([]);
    expect(brake("attic", pending(51), 60).allowed).toEqual([]);
    expect(brake("attic", pending(200), 1000).held).toEqual([]);
    expect(brake("attic", pending(201), 1000).held).toHaveLength(201);
    expect(brake("attic", [], 0)).toEqual({ allowed: [], held: [] });
    expect(brake("attic", pending(1), 100, { count: 0, percent: 0 }).held).toHaveLength(1);
  });

  it("holds all or nothing, and says how to release them", () => {
    const { finding, token } = brake("attic", pending(201), 1000);
    expect(token).toBe("1001-200");
    expect(finding).toMatchObject({ code: "FEDERATION_DELETE_BRAKE", subject: "attic" });
    expect(finding?.message).toContain("201 of 1000 objects at attic");
    expect(finding?.hint).toContain("site release attic 1001-200");
  });

  it("lets released deletions go, a rest of them too, and counts what came later anew", () => {
    expect(brake("attic", pending(201), 1000, undefined, "1001-200").allowed).toHaveLength(201);
    expect(brake("attic", pending(100, 101), 200, undefined, "1001-200").held).toEqual([]);
    const later = brake("attic", [...pending(10), ...pending(300, 1000)], 1000, undefined, "1001-200");
    expect([later.allowed.length, later.held.length, later.token]).toEqual([10, 300, "1001-1299"]);
    expect(brake("attic", pending(201), 1000, undefined, "nonsense").held).toHaveLength(201);
  });
});

describe("removing an object", () => {
  const object = (metadata: KubeObject["metadata"] = {}): KubeObject => ({
    metadata: { name: "web", uid: "u", labels: { "kubefed.io/managed": "true" }, ...metadata },
  });
  const of = (change: Partial<Parameters<typeof removalOf>[0]> = {}) =>
    removalOf({ observed: object(), namespaceType: false, isHub: false, orphan: false, ...change });

  it("deletes exactly that object, with the options that can be read", () => {
    expect(of()).toEqual({ do: "delete", options: {}, uid: "u" });
    const deleteOptions = '{"propagationPolicy":"Foreground","gracePeriodSeconds":0,"dryRun":["All"]}';
    expect(of({ deleteOptions })).toMatchObject({
      options: { propagationPolicy: "Foreground", gracePeriodSeconds: 0 },
    });
    for (const broken of ["{", "null", '{"propagationPolicy":"x","gracePeriodSeconds":-1}'])
      expect(of({ deleteOptions: broken })).toMatchObject({ do: "delete", options: {} });
  });

  it("touches nothing that is not labelled as ours, and waits for what is going", () => {
    expect(of({ observed: undefined })).toEqual({ do: "nothing", gone: true });
    expect(of({ observed: object({ labels: {} }) })).toEqual({ do: "nothing", gone: true });
    expect(of({ observed: object({ labels: { "kubefed.io/managed": "false" } }) })).toEqual({
      do: "nothing",
      gone: true,
    });
    expect(of({ observed: object({ deletionTimestamp: at }) })).toEqual({ do: "nothing", gone: false });
  });

  it("only takes the label from orphans, from the hub's own namespaces and from a cluster's", () => {
    expect(of({ orphan: true })).toEqual({ do: "release" });
    expect(of({ namespaceType: true, isHub: true })).toEqual({ do: "release" });
    expect(of({ namespaceType: true, observed: object({ name: "kube-system" }) })).toEqual({ do: "release" });
    expect(of({ namespaceType: true })).toMatchObject({ do: "delete" });
  });

  it("when a site leaves is as chosen", () => {
    const input = { observed: object(), namespaceType: false, isHub: false };
    expect(farewell("drain", input)).toMatchObject({ do: "delete" });
    expect(farewell("orphan", input)).toEqual({ do: "release" });
  });
});
