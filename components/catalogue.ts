/**
 * What the platform takes from outside: each binary, image and root with its
 * version, where it comes from and how it is checked. Data only; `get.ts` acts
 * on it.
 *
 * A component is taken from the first of its sources that works: the publisher's
 * release, then a build from the same version's Go module.
 */

import { ADD_ONS } from "./addons.ts";
import type { Component, ComponentName, OfficialFile } from "./source.ts";
import { TOOLS } from "./tools.ts";

export type { Component, ComponentKind, ComponentName } from "./source.ts";

export const KUBERNETES = "v1.36.3";
const CONTAINERD = "v2.4.2";
export const ETCD = "v3.6.8";
/** The version whose tag kubeadm of this Kubernetes asks for (its constants.CoreDNSVersion). */
export const COREDNS = "v1.14.2";
/** Likewise constants.PauseVersion. */
export const PAUSE = "3.10.2";

/** As package.json pins it. */
export const NODE = "v24.21.0";

/** Go's release, fetched only to build something where the host has no Go that is new enough. */
export const GO = {
  version: "1.26.8",
  url: "https://go.dev/dl/go1.26.8.linux-{arch}.tar.gz",
  // As published at https://go.dev/dl/.
  sha256: {
    amd64: "d0f743b33e8d8945e6b1f432edd15785c70507121d6e2a723b21285eddf8b57b",
    arm64: "211ffced9dcb9633a55eac6364816ec0ddd951389a740e88fa8b3337971bdda0",
  } as Readonly<Record<string, string>>,
};

const CHECKSUM_LIST = "kubespray's checksums.yml of 2026-08-21, which records the publishers' checksum files";

/** The programs of Kubernetes; names as its release has them. */
const KUBERNETES_PROGRAMS = [
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kube-proxy",
  "kubelet",
  "kubeadm",
  "kubectl",
] as const;

const KUBERNETES_PINNED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  kubelet: {
    amd64: "46707a53209f826ad0f0d62371ac69cd00e78fd9a8176cf5f6f87f18f7f8b718",
    arm64: "57205a5daf5883873d87b4914e1e00bdd7707acd075714788cfb0fc1f60bc414",
  },
  kubeadm: {
    amd64: "bba1733c701bf70ec74ba1cc3fd5745404c1134a8a4b0a5f8560cc9832023421",
    arm64: "276cfbdc43b10fef663288cc1ed76abf77b1b7f700e9f1c053cb5dc3115484de",
  },
  kubectl: {
    amd64: "ebbd080e7c2e275093b55915722043257eb24004363e20acb3c4d71919f88336",
    arm64: "3d86f24401c41ae5a46ac50eef8865fe891d3647d324a0836f6c63757a126e62",
  },
};

function kubernetesFile(program: string): OfficialFile {
  const sha256 = KUBERNETES_PINNED[program];
  return {
    url: `https://dl.k8s.io/release/${KUBERNETES}/bin/linux/{arch}/${program}`,
    checksum: sha256
      ? { kind: "pinned", sha256, from: CHECKSUM_LIST }
      : { kind: "beside", suffix: ".sha256" },
    gives: program,
  };
}

/** What the platform runs: what the lab brings. */
export const PLATFORM: readonly Component[] = [
  {
    name: "kubernetes",
    kind: "binary",
    version: KUBERNETES,
    reason: "the API server, its controllers, the scheduler, kubelet, kube-proxy, kubeadm and kubectl",
    expectedSeconds: 580,
    sources: [
      { by: "official", files: KUBERNETES_PROGRAMS.map(kubernetesFile) },
      {
        by: "go",
        module: "kubernetes",
        packages: { ".": "kube" },
        settings: {
          "k8s.io/component-base/version.gitVersion": KUBERNETES,
          "k8s.io/component-base/version.gitMajor": "1",
          "k8s.io/component-base/version.gitMinor": "36",
          "k8s.io/component-base/version.gitTreeState": "clean",
          "k8s.io/client-go/pkg/version.gitVersion": KUBERNETES,
        },
        links: Object.fromEntries(KUBERNETES_PROGRAMS.map((program) => [program, "kube"])),
      },
    ],
  },
  {
    name: "containerd",
    kind: "binary",
    version: CONTAINERD,
    reason: "runs the containers of a node; Kubernetes 1.36 wants version 2",
    expectedSeconds: 90,
    sources: [
      {
        by: "official",
        files: [
          {
            url: `https://github.com/containerd/containerd/releases/download/${CONTAINERD}/containerd-static-${CONTAINERD.slice(1)}-linux-{arch}.tar.gz`,
            checksum: { kind: "beside", suffix: ".sha256sum" },
            gives: {
              "bin/containerd": "containerd",
              "bin/containerd-shim-runc-v2": "containerd-shim-runc-v2",
              "bin/ctr": "ctr",
            },
          },
        ],
      },
      {
        by: "go",
        module: "containerd",
        packages: {
          "github.com/containerd/containerd/v2/cmd/containerd": "containerd",
          "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2": "containerd-shim-runc-v2",
          "github.com/containerd/containerd/v2/cmd/ctr": "ctr",
        },
        // These snapshotters need C libraries or devices that a node of ours has not.
        tags: ["no_btrfs", "no_devmapper", "no_zfs"],
        settings: { "github.com/containerd/containerd/v2/version.Version": CONTAINERD },
      },
    ],
  },
  {
    name: "etcd",
    kind: "binary",
    version: ETCD,
    reason: "the cluster's store, and the tools to look into it and to restore it",
    expectedSeconds: 20,
    sources: [
      {
        by: "official",
        files: [
          {
            url: `https://github.com/etcd-io/etcd/releases/download/${ETCD}/etcd-${ETCD}-linux-{arch}.tar.gz`,
            checksum: {
              kind: "pinned",
              sha256: {
                amd64: "cf9cfe91a4856cb90eed9c99e6aee4b708db2c7888b88a6f116281f04b0ea693",
                arm64: "438f56a700d17ce761510a3e63e6fa5c1d587b2dd4d7a22c179c09a649366760",
              },
              from: CHECKSUM_LIST,
            },
            gives: Object.fromEntries(
              ["etcd", "etcdctl", "etcdutl"].map((name) => [`etcd-${ETCD}-linux-{arch}/${name}`, name]),
            ),
          },
        ],
      },
      {
        by: "go",
        module: "etcd",
        packages: {
          "go.etcd.io/etcd/server/v3": "etcd",
          "go.etcd.io/etcd/etcdctl/v3": "etcdctl",
          "go.etcd.io/etcd/etcdutl/v3": "etcdutl",
        },
      },
    ],
  },
  {
    name: "coredns",
    kind: "binary",
    version: COREDNS,
    reason: "names of services and pods inside a cluster",
    expectedSeconds: 35,
    sources: [
      {
        by: "official",
        files: [
          {
            url: `https://github.com/coredns/coredns/releases/download/${COREDNS}/coredns_${COREDNS.slice(1)}_linux_{arch}.tgz`,
            checksum: { kind: "beside", suffix: ".sha256" },
            gives: { coredns: "coredns" },
          },
        ],
      },
      { by: "go", module: "coredns", packages: { ".": "coredns" } },
    ],
  },
  ...ADD_ONS,
  {
    name: "pause",
    kind: "source",
    version: PAUSE,
    reason: "holds the namespaces of each pod; published only as an image, so made from our own few lines",
    expectedSeconds: 5,
    sources: [{ by: "go", module: "pause", packages: { ".": "pause" } }],
  },
  {
    name: "echo",
    kind: "source",
    version: "1",
    reason: "the application that tests and first steps deploy: says which pod on which node answered",
    expectedSeconds: 5,
    sources: [{ by: "go", module: "echo", packages: { ".": "echo" } }],
  },
  {
    name: "base-root",
    kind: "root",
    version: "Debian 13 (trixie)",
    reason: "the system under every lab machine, with the roles' packages and nothing else",
    expectedSeconds: 60,
    sources: [{ by: "debian" }],
  },
  {
    name: "node-layer",
    kind: "root",
    version: KUBERNETES,
    reason: "the programs of a cluster node, as a layer over the base root",
    expectedSeconds: 1,
    sources: [{ by: "assembled", from: ["kubernetes", "containerd", "etcd"] }],
  },
  {
    name: "images",
    kind: "image",
    version: KUBERNETES,
    reason: "the images kubeadm names, in one archive, for nodes that reach no registry",
    expectedSeconds: 10,
    sources: [
      {
        by: "assembled",
        from: [
          "kubernetes",
          "etcd",
          "coredns",
          "traefik",
          "metallb",
          "metrics-server",
          "pause",
          "echo",
          "base-root",
        ],
      },
    ],
  },
  {
    name: "agent-runtime",
    kind: "image",
    version: NODE,
    reason: "Node and the modules that npm installed, as the image below the agent's own",
    expectedSeconds: 5,
    sources: [{ by: "assembled", from: ["base-root"] }],
  },
  {
    name: "containerd-seed",
    kind: "image",
    version: CONTAINERD,
    reason:
      "containerd's folder with all images unpacked once, so that each node starts from a copy by hard links",
    expectedSeconds: 15,
    sources: [{ by: "assembled", from: ["images", "agent-runtime", "containerd"] }],
  },
  {
    name: "agent",
    kind: "image",
    version: "this checkout",
    reason: "a site's part of the federation: our own source over its runtime",
    expectedSeconds: 1,
    sources: [{ by: "assembled", from: ["agent-runtime"] }],
  },
  {
    name: "steering-runtime",
    kind: "archive",
    version: NODE,
    reason: "Node and the modules that npm installed, for the ECAMs, which have no containers",
    expectedSeconds: 3,
    sources: [{ by: "assembled", from: [] }],
  },
  {
    name: "steering",
    kind: "archive",
    version: "this checkout",
    reason: "what steers names on the ECAMs: our own source over its runtime",
    expectedSeconds: 1,
    sources: [{ by: "assembled", from: ["steering-runtime"] }],
  },
];

/** Everything that can be had. */
export const CATALOGUE: readonly Component[] = [...PLATFORM, ...TOOLS];

/** The component of that name. */
export function component(name: ComponentName): Component {
  const found = CATALOGUE.find((entry) => entry.name === name);
  if (!found) throw new Error(`no component ${name} in the catalogue`);
  return found;
}
