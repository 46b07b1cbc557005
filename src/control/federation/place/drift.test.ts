import { expect, it } from "vitest";
import type { KubeObject } from "#ports/kube.ts";
import { draftOf, type JsonObject } from "../json.ts";
import { DEPLOYMENT, federated, input, typeOf } from "../test/federated.ts";
import { covers } from "./covers.ts";
import { desired, type Present } from "./desired.ts";
import { appliedOf, drift } from "./drift.ts";
import { type PatchStep, patchStep } from "./json-patch.ts";

const template: JsonObject = {
  metadata: { labels: { app: "web" }, creationTimestamp: null },
  spec: {
    replicas: 2,
    template: {
      spec: { containers: [{ name: "web", image: "a", ports: [{ containerPort: 80 }], args: ["x", "y"] }] },
    },
  },
};
const wanted = desired(input(federated({ template }), { target: typeOf(DEPLOYMENT) })) as Present;

const container = "/spec/template/spec/containers/1";

/** As the API would answer: with its defaults, and as others left it. */
function observed(...changes: readonly PatchStep[]): KubeObject {
  const object = draftOf(wanted.object);
  const defaults: readonly PatchStep[] = [
    { op: "add", path: "/metadata/uid", value: "u" },
    { op: "add", path: "/metadata/resourceVersion", value: "7" },
    { op: "add", path: "/metadata/annotations/revision", value: "1" },
    { op: "add", path: "/spec/strategy", value: { type: "RollingUpdate" } },
    { op: "add", path: "/spec/template/spec/containers/0", value: { name: "sidecar", image: "b" } },
    { op: "add", path: `${container}/ports/0/protocol`, value: "TCP" },
    { op: "add", path: "/status", value: { replicas: 2 } },
  ];
  for (const step of [...defaults, ...changes]) expect(patchStep(object, step)).toBeUndefined();
  return object;
}

it("sees no drift in defaults, other owners' fields and status", () => {
  expect(drift(wanted, observed())).toBe("none");
});

it.each<[string, PatchStep]>([
  ["a field of ours that was changed", { op: "replace", path: "/spec/replicas", value: 3 }],
  ["a field of ours that was removed", { op: "remove", path: "/spec/replicas" }],
  ["a label", { op: "replace", path: "/metadata/labels/app", value: "other" }],
  ["the managed label", { op: "remove", path: "/metadata/labels/kubefed.io~1managed" }],
  ["a container's image", { op: "replace", path: `${container}/image`, value: "evil" }],
  ["a container that is gone", { op: "remove", path: container }],
  ["an argument more", { op: "add", path: `${container}/args/-`, value: "z" }],
  ["another order of arguments", { op: "replace", path: `${container}/args`, value: ["y", "x"] }],
  [
    "another version's annotation",
    { op: "replace", path: "/metadata/annotations/federation.panopticon.dev~1applied", value: "old" },
  ],
])("sees %s", (_name, change) => {
  expect(drift(wanted, observed(change))).toBe("changed");
});

it("sees what is missing", () => {
  expect(drift(wanted, undefined)).toBe("missing");
});

it("does not compare what its last apply left, even where the API spells it otherwise", () => {
  const spelled = observed({ op: "replace", path: "/spec/replicas", value: "2" });
  expect(drift(wanted, spelled)).toBe("changed");
  expect(drift(wanted, spelled, appliedOf(wanted, spelled))).toBe("none");
  expect(drift(wanted, spelled, { ...appliedOf(wanted, spelled), resourceVersion: "6" })).toBe("changed");
  expect(drift(wanted, spelled, { ...appliedOf(wanted, spelled), uid: "before" })).toBe("changed");
});

it("notices a field that went from the template, from the annotation alone", () => {
  const { spec: _spec, ...less } = template;
  const next = desired(input(federated({ template: less }), { target: typeOf(DEPLOYMENT) })) as Present;
  expect(drift(next, observed())).toBe("changed");
});

it("asks for the removal of an annotation that an override took away and somebody set again", () => {
  const pointer = { ...wanted, removals: ["/metadata/annotations/a~1b"] };
  expect(drift(pointer, observed())).toBe("none");
  expect(drift(pointer, observed({ op: "add", path: "/metadata/annotations/a~1b", value: "1" }))).toBe(
    "changed",
  );
});

it.each<[unknown, unknown, boolean]>([
  [undefined, null, true],
  [undefined, {}, true],
  [undefined, { a: [] }, true],
  [undefined, false, true],
  [undefined, "x", false],
  [{ a: 1 }, [], false],
  [[], {}, false],
  [[{ name: "a" }, { name: "b" }], [{ name: "b" }], true],
  [[{ name: "a" }, { name: "a" }], [{ name: "a" }], false],
  [
    [
      { port: 53, protocol: "UDP" },
      { port: 53, protocol: "TCP" },
    ],
    [{ port: 53 }],
    true,
  ],
  [[{ port: 53, protocol: "UDP" }], [{ port: 53 }], false],
  [[1, 2], [1], false],
  [["a"], ["a"], true],
])("%j covers %j: %s", (there, want, result) => {
  expect(covers(there, want)).toBe(result);
});
