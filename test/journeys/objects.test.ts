/** Whether objects are there as they are written, asked of a real API whose webhook is gone. */
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { allApplied, applyAll } from "#converge/objects.ts";
import type { Applied, Kube, KubeObject } from "#ports/kube.ts";
import { type Plane, startPlane } from "../kube/plane.ts";
import { planeObstacle, skipWithoutPlanes } from "../kube/programs.ts";

const obstacle = await planeObstacle();
let plane: Plane;
let kube: Kube;

beforeAll(async () => {
  if (obstacle !== undefined) return;
  plane = await startPlane({ controllers: false, durable: false });
  kube = plane.open();
});
afterAll(() => plane?.remove());
beforeEach((context) => skipWithoutPlanes(context, obstacle));

const shelf = (data: Readonly<Record<string, string>>): Applied<KubeObject> =>
  ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "shelf", namespace: "default" },
    data,
  }) as object as Applied<KubeObject>;

/** Nobody listens where it is. */
const GONE = {
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingWebhookConfiguration",
  metadata: { name: "gone.panopticon.dev" },
  webhooks: [
    {
      name: "gone.panopticon.dev",
      clientConfig: { url: "https://127.0.0.1:9/" },
      failurePolicy: "Fail",
      sideEffects: "None",
      admissionReviewVersions: ["v1"],
      timeoutSeconds: 1,
      rules: [
        { apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"], operations: ["CREATE", "UPDATE"] },
      ],
    },
  ],
} as object as Applied<KubeObject>;

it("tells what is there from what is not, also while a webhook does not answer", async () => {
  const [same, more, other] = [shelf({ a: "1", b: "2" }), shelf({ a: "1" }), shelf({ a: "1", b: "3" })];
  await applyAll(kube, [same]);
  expect(await allApplied(kube, [same])).toBe(true);
  // Applied again it would lose a key, which only the API can tell.
  expect(await allApplied(kube, [more])).toBe(false);
  expect(await allApplied(kube, [other])).toBe(false);
  await applyAll(kube, [GONE]);
  await vi.waitFor(() => expect(applyAll(kube, [same])).rejects.toMatchObject({ status: 500 }), {
    timeout: 20_000,
    interval: 200,
  });
  expect(await allApplied(kube, [same])).toBe(true);
  expect(await allApplied(kube, [other])).toBe(false);
  expect(await allApplied(kube, [shelf({ a: "1", b: "2", c: "3" })])).toBe(false);
});
