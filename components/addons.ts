/** What runs in every site's cluster beside Kubernetes itself. A newer version is a change here and in its go.mod. */
import type { Component } from "./source.ts";

/** The newest whose modules the Go module proxy serves whole; so with MetalLB. */
const TRAEFIK = "v3.6.12";
export const TRAEFIK_IMAGE = `docker.io/library/traefik:${TRAEFIK}`;
export const METALLB = "v0.15.2";

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
];
