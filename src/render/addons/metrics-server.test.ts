import { describe, expect, it } from "vitest";
import { fixturePlan } from "../fixture.ts";
import type { ManifestObject } from "./metallb.ts";
import { metricsServerObjects } from "./metrics-server.ts";

/** As upstream's base has them: its kustomization would add labels and selectors. */
const MANIFESTS: readonly ManifestObject[] = [
  {
    apiVersion: "apiregistration.k8s.io/v1",
    kind: "APIService",
    metadata: { name: "v1beta1.metrics.k8s.io" },
    spec: { group: "metrics.k8s.io", insecureSkipTLSVerify: true },
  },
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "metrics-server", namespace: "kube-system" },
    spec: {
      template: {
        spec: {
          volumes: [{ name: "tmp-dir", emptyDir: {} }],
          containers: [
            {
              name: "metrics-server",
              image: "upstream",
              args: ["--cert-dir=/tmp", "--secure-port=10250", "--metric-resolution=30s"],
              volumeMounts: [{ name: "tmp-dir", mountPath: "/tmp" }],
            },
          ],
        },
      },
    },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "metrics-server", namespace: "kube-system" },
    spec: { ports: [{ name: "https", port: 443 }] },
  },
];

describe("metrics-server's manifests", () => {
  const { site } = fixturePlan();
  const objects = metricsServerObjects(MANIFESTS, site, "ours:1", "Y2E=");
  const found = (kind: string) => objects.find((object) => object.kind === kind);

  it("are believed by a certificate, and believe kubelets by the cluster's alone", () => {
    expect(found("APIService")?.["spec"]).toEqual({ group: "metrics.k8s.io", caBundle: "Y2E=" });
    const text = JSON.stringify(found("Deployment"));
    expect(text).toContain('"--kubelet-certificate-authority=/authority/ca.crt"');
    expect(text).toContain('"--tls-cert-file=/certificate/tls.crt"');
    expect(text).not.toContain("insecure");
    expect(text).not.toContain("--cert-dir");
    expect(text.match(/--metric-resolution/g)).toHaveLength(1);
  });

  it("select their own pods, two of them on different machines", () => {
    const label = { "k8s-app": "metrics-server" };
    expect(found("Service")).toMatchObject({ spec: { selector: label, ports: [{ port: 443 }] } });
    expect(found("Deployment")).toMatchObject({
      metadata: { labels: label },
      spec: {
        replicas: 2,
        selector: { matchLabels: label },
        template: {
          metadata: { labels: label },
          spec: {
            affinity: {
              podAntiAffinity: {
                requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "kubernetes.io/hostname" }],
              },
            },
            containers: [
              { image: "ours:1", args: expect.arrayContaining(["--secure-port=10250"]) as string[] },
            ],
          },
        },
      },
    });
    expect(found("PodDisruptionBudget")).toMatchObject({ spec: { maxUnavailable: 1 } });
  });
});
