import { describe, expect, it } from "vitest";
import type { KubeObject } from "#ports/kube.ts";
import type { FederatedResource } from "../api/federated.ts";
import { isPlaced, projectedFixed, projectedResource } from "./projection.ts";

const cloud = { name: "cloud", labels: { kind: "cloud" } };
const resource = (placement: object): FederatedResource => ({
  apiVersion: "types.kubefed.io/v1beta1",
  kind: "FederatedConfigMap",
  metadata: {
    name: "app",
    namespace: "shop",
    uid: "u",
    resourceVersion: "7",
    annotations: {
      "kubectl.kubernetes.io/last-applied-configuration": "attic",
      "kubefed.io/orphan": "true",
    },
    finalizers: ["attic.example/hold"],
  },
  spec: {
    template: { data: { a: "1" } },
    placement,
    overrides: [
      { clusterName: "attic", clusterOverrides: [{ path: "/data/a", value: "attic" }] },
      { clusterName: "cloud", clusterOverrides: [{ path: "/data/a", value: "cloud" }] },
    ],
  },
  status: { clusters: [{ name: "attic" }] },
});

describe("what an external cloud site may see", () => {
  it("is what it needs of a resource, and not a word on another site", () => {
    const shown = projectedResource(resource({ clusters: [{ name: "attic" }, { name: "cloud" }] }), "cloud");
    expect(JSON.stringify(shown)).not.toContain("attic");
    expect(shown.spec).toEqual({
      template: { data: { a: "1" } },
      placement: { clusters: [{ name: "cloud" }] },
      overrides: [{ clusterName: "cloud", clusterOverrides: [{ path: "/data/a", value: "cloud" }] }],
    });
    expect(shown.metadata).toMatchObject({ uid: "u", annotations: { "kubefed.io/orphan": "true" } });
  });

  it("is placed there by itself and by its namespace", () => {
    const everywhere = resource({ clusterSelector: {} });
    const elsewhere = resource({ clusters: [{ name: "attic" }] });
    expect(isPlaced(everywhere, everywhere, cloud)).toBe(true);
    expect(isPlaced(everywhere, elsewhere, cloud)).toBe(false);
    expect(isPlaced(elsewhere, everywhere, cloud)).toBe(false);
    expect(isPlaced(everywhere, undefined, cloud)).toBe(false);
    expect(isPlaced(everywhere, null, cloud)).toBe(true);
    const unreadable = resource({ clusterSelector: { matchExpressions: [{ key: "a", operator: "Near" }] } });
    expect(isPlaced(unreadable, everywhere, cloud)).toHaveProperty("unplaceable");
  });

  it("is of the federation's own objects its own part", () => {
    const object = (name: string, spec: object): KubeObject => ({ metadata: { name }, spec }) as KubeObject;
    const cluster = object("cloud", { apiEndpoint: "https://x", secretRef: { name: "s" } });
    expect(projectedFixed(cluster, "KubeFedCluster", "cloud")).toMatchObject({
      spec: { apiEndpoint: "https://x" },
    });
    expect(JSON.stringify(projectedFixed(cluster, "KubeFedCluster", "cloud"))).not.toContain("secretRef");
    expect(projectedFixed(object("attic", { apiEndpoint: "x" }), "KubeFedCluster", "cloud")).toBeUndefined();
    const access = object("attic", { publicKey: "k", access: [{ site: "barn" }, { site: "cloud" }] });
    expect(projectedFixed(access, "SiteAccess", "cloud")).toMatchObject({
      spec: { access: [{ site: "cloud" }] },
    });
    expect(projectedFixed(access, "SiteAccess", "loft")).toBeUndefined();
    const config = object("kubefed", {
      syncController: { adoptResources: "Enabled" },
      admission: ["secret"],
    });
    expect(projectedFixed(config, "KubeFedConfig", "cloud")).toMatchObject({
      spec: { syncController: { adoptResources: "Enabled" } },
    });
    expect(JSON.stringify(projectedFixed(config, "KubeFedConfig", "cloud"))).not.toContain("secret");
    expect(projectedFixed(object("p", {}), "ReplicaSchedulingPreference", "cloud")).toBeUndefined();
  });
});
