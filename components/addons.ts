/** What runs in every site's cluster beside Kubernetes itself. A newer version is a change here and in its go.mod. */
import type { Component } from "./source.ts";

/** The newest whose modules the Go module proxy serves whole; so with MetalLB. */
const TRAEFIK = "v3.6.12";
export const TRAEFIK_IMAGE = `docker.io/library/traefik:${TRAEFIK}`;
export const METALLB = "v0.15.2";
const METRICS_SERVER = "v0.9.0";
export const METRICS_SERVER_IMAGE = `registry.k8s.io/metrics-server/metrics-server:${METRICS_SERVER}`;

const METRICS_MODULE = "sigs.k8s.io/metrics-server";
const TRAEFIK_MODULE = "github.com/traefik/traefik/v3";

/** Of the Gateway API's standard channel, in the version that Traefik is built with. */
const GATEWAY_KINDS = [
  "gatewayclasses",
  "gateways",
  "httproutes",
  "grpcroutes",
  "referencegrants",
  "backendtlspolicies",
];

export const ADD_ONS: readonly Component[] = [
  {
    name: "traefik",
    kind: "binary",
    version: TRAEFIK,
    reason: "the ingress: takes requests by name to services; with the definitions of what it reads",
    expectedSeconds: 240,
    sources: [
      {
        by: "go",
        module: "traefik",
        packages: { [`${TRAEFIK_MODULE}/cmd/traefik`]: "traefik" },
        settings: { [`${TRAEFIK_MODULE}/pkg/version.Version`]: TRAEFIK.slice(1) },
        patches: [
          {
            module: "github.com/go-acme/lego/v4",
            files: { "providers/dns/zz_gen_dns_providers.go": "lego-dns-providers.go" },
          },
        ],
        files: [
          {
            module: TRAEFIK_MODULE,
            gives: {
              "docs/content/reference/dynamic-configuration/kubernetes-crd-definition-v1.yml":
                "traefik-crds.yaml",
            },
          },
          {
            module: "sigs.k8s.io/gateway-api",
            gives: Object.fromEntries(
              GATEWAY_KINDS.map((kind) => [
                `config/crd/standard/gateway.networking.k8s.io_${kind}.yaml`,
                `gateway-${kind}.yaml`,
              ]),
            ),
          },
        ],
      },
    ],
  },
  {
    name: "metallb",
    kind: "binary",
    version: METALLB,
    reason: "announces the ingress address in a site's LAN; with its manifest",
    expectedSeconds: 90,
    sources: [
      {
        by: "go",
        module: "metallb",
        packages: {
          "go.universe.tf/metallb/controller": "controller",
          "go.universe.tf/metallb/speaker": "speaker",
        },
        files: [
          {
            module: "go.universe.tf/metallb",
            gives: { "config/manifests/metallb-native.yaml": "metallb.yaml" },
          },
        ],
      },
    ],
  },
  {
    name: "metrics-server",
    kind: "binary",
    version: METRICS_SERVER,
    reason: "says what nodes and pods use: `kubectl top` and autoscalers; with its manifests",
    expectedSeconds: 40,
    sources: [
      {
        by: "go",
        module: "metrics-server",
        packages: { [`${METRICS_MODULE}/cmd/metrics-server`]: "metrics-server" },
        settings: { "k8s.io/client-go/pkg/version.gitVersion": METRICS_SERVER },
        files: [
          {
            module: METRICS_MODULE,
            gives: Object.fromEntries(
              ["apiservice", "deployment", "rbac", "service"].map((part) => [
                `manifests/base/${part}.yaml`,
                `metrics-server-${part}.yaml`,
              ]),
            ),
          },
        ],
      },
    ],
  },
];
