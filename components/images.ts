/**
 * The images a cluster needs, under the names kubeadm gives them, put together
 * from the components' programs. kube-proxy's also holds Debian's nft, which it
 * runs to write its rules.
 */
import { lstat, readlink, realpath } from "node:fs/promises";
import { basename, join } from "node:path";
import { worldFailed } from "#base/errors.ts";
import { METALLB, METRICS_SERVER_IMAGE, TRAEFIK_IMAGE } from "./addons.ts";
import { ETCD, COREDNS, KUBERNETES, PAUSE } from "./catalogue.ts";
import type { ImageSpec, Layer, LayerEntry } from "./imagetar.ts";
import { run } from "./run.ts";

/** Folders with the programs of each component. */
export interface ImageParts {
  readonly kubernetes: string;
  readonly etcd: string;
  readonly coredns: string;
  readonly traefik: string;
  readonly metallb: string;
  readonly metricsServer: string;
  readonly pause: string;
  readonly echo: string;
  readonly baseRoot: string;
}

/** Raise it when the images change though their parts don't. */
export const IMAGES_REVISION = 1;

const KUBE_IMAGES = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"] as const;

/** Every image's name; the Kubernetes ones are what `kubeadm config images list` prints. */
const IMAGE_NAMES = {
  kube: (program: string) => `registry.k8s.io/${program}:${KUBERNETES}`,
  coredns: `registry.k8s.io/coredns/coredns:${COREDNS}`,
  pause: `registry.k8s.io/pause:${PAUSE}`,
  etcd: `registry.k8s.io/etcd:${ETCD.slice(1)}-0`,
  echo: "panopticon.test/echo:1",
  traefik: TRAEFIK_IMAGE,
  /** As its manifest names them. */
  metallb: (program: string) => `quay.io/metallb/${program}:${METALLB}`,
  metricsServer: METRICS_SERVER_IMAGE,
} as const;

const METALLB_PROGRAMS = ["controller", "speaker"] as const;

export const ALL_IMAGES: readonly string[] = [
  ...KUBE_IMAGES.map(IMAGE_NAMES.kube),
  IMAGE_NAMES.coredns,
  IMAGE_NAMES.pause,
  IMAGE_NAMES.etcd,
  IMAGE_NAMES.echo,
  IMAGE_NAMES.traefik,
  ...METALLB_PROGRAMS.map(IMAGE_NAMES.metallb),
  IMAGE_NAMES.metricsServer,
];

/** What is in each image. */
export async function imageSpecs(parts: ImageParts): Promise<readonly ImageSpec[]> {
  return [
    ...(await kubeImages(parts)),
    rootImage(IMAGE_NAMES.coredns, join(parts.coredns, "coredns")),
    rootImage(IMAGE_NAMES.pause, join(parts.pause, "pause"), "65535:65535"),
    etcdImage(parts.etcd),
    rootImage(IMAGE_NAMES.echo, join(parts.echo, "echo"), "65532:65532"),
    rootImage(IMAGE_NAMES.traefik, join(parts.traefik, "traefik"), "65532:65532"),
    ...METALLB_PROGRAMS.map((program) =>
      rootImage(IMAGE_NAMES.metallb(program), join(parts.metallb, program)),
    ),
    rootImage(IMAGE_NAMES.metricsServer, join(parts.metricsServer, "metrics-server"), "65532:65532"),
  ];
}

/** One layer for each file on disk: with the multi-call binary all four images share it. */
async function kubeImages(parts: ImageParts): Promise<readonly ImageSpec[]> {
  const layerOf = new Map<string, Layer>();
  const nft = await nftLayer(parts.baseRoot);
  const images: ImageSpec[] = [];
  for (const program of KUBE_IMAGES) {
    const file = await realpath(join(parts.kubernetes, program));
    const binary = layerOf.get(file) ?? { entries: [executable(`usr/local/bin/${basename(file)}`, file)] };
    layerOf.set(file, binary);
    const link: LayerEntry = { path: `usr/local/bin/${program}`, linkTo: basename(file) };
    images.push({
      name: IMAGE_NAMES.kube(program),
      layers: [
        binary,
        ...(basename(file) === program ? [] : [{ entries: [link] }]),
        ...(program === "kube-proxy" ? [nft] : []),
      ],
      entrypoint: [`/usr/local/bin/${program}`],
    });
  }
  return images;
}

function etcdImage(folder: string): ImageSpec {
  const entries = ["etcd", "etcdctl", "etcdutl"].map((name) =>
    executable(`usr/local/bin/${name}`, join(folder, name)),
  );
  return { name: IMAGE_NAMES.etcd, layers: [{ entries }], entrypoint: ["/usr/local/bin/etcd"] };
}

/** One program at the root, as these images are published. */
function rootImage(name: string, file: string, user?: string): ImageSpec {
  const program = basename(file);
  return {
    name,
    layers: [{ entries: [executable(program, file)] }],
    entrypoint: [`/${program}`],
    ...(user && { user }),
  };
}

/** nft with the libraries it loads, at the paths they have in the base root. */
async function nftLayer(root: string): Promise<Layer> {
  const entries = new Map<string, LayerEntry>();
  for (const path of ["/usr/sbin/nft", ...(await libraries(root, "/usr/sbin/nft"))]) {
    await addWithLinks(root, path, entries);
  }
  return { entries: [...entries.values()] };
}

/** The paths that the dynamic loader finds for a program of `root`. */
async function libraries(root: string, program: string): Promise<readonly string[]> {
  const listed = await run(["chroot", root, "/usr/bin/ldd", program]);
  const paths = [...listed.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].map((match) => match[1] ?? "");
  if (paths.length === 0)
    throw worldFailed("COMPONENT_LIBRARIES", `ldd names no library of ${program}: ${listed}`);
  return paths;
}

/** Adds a file, and the links on the way to it (Debian's /lib is a link to usr/lib). */
export async function addWithLinks(
  root: string,
  path: string,
  entries: Map<string, LayerEntry>,
): Promise<void> {
  const [first = "", ...rest] = path.slice(1).split("/");
  const top = join(root, first);
  if ((await lstat(top)).isSymbolicLink()) {
    const target = await readlink(top);
    entries.set(first, { path: first, linkTo: target });
    return addWithLinks(root, `/${target}/${rest.join("/")}`, entries);
  }
  const relative = path.slice(1);
  const full = join(root, relative);
  if (!(await lstat(full)).isSymbolicLink()) {
    entries.set(relative, executable(relative, full));
    return;
  }
  const target = await readlink(full);
  entries.set(relative, { path: relative, linkTo: target });
  await addWithLinks(root, join("/", relative, "..", target), entries);
}

export function executable(path: string, file: string): LayerEntry {
  return { path, file, mode: 0o755 };
}
