/** The ways a component can be had, as data; `make.ts` and what it uses carry them out. */
export type ComponentName =
  | "kubernetes"
  | "containerd"
  | "etcd"
  | "coredns"
  | "traefik"
  | "metallb"
  | "metrics-server"
  | "pause"
  | "echo"
  | "kubefedctl"
  | "kubefed"
  | "pebble"
  | "base-root"
  | "node-layer"
  | "images"
  | "agent-runtime"
  | "containerd-seed"
  | "agent"
  | "steering-runtime"
  | "steering";

/** How a release's content is checked. */
export type Checksum =
  /** SHA-256 by architecture, pinned here; `from` says who published it. */
  | { readonly kind: "pinned"; readonly sha256: Readonly<Record<string, string>>; readonly from: string }
  /** A checksum file that the publisher serves beside the release, over HTTPS. Weaker: both could be replaced together. */
  | { readonly kind: "beside"; readonly suffix: string };

/** One downloaded file. `{arch}` in the URL stands for amd64 or arm64. */
export interface OfficialFile {
  readonly url: string;
  readonly checksum: Checksum;
  /** Name of the program, or for a .tar.gz the programs by their paths inside. */
  readonly gives: string | Readonly<Record<string, string>>;
}

/** The publisher's own release. */
export interface OfficialSource {
  readonly by: "official";
  readonly files: readonly OfficialFile[];
}

/** A build from Go modules; go.sum in the module's folder pins every byte that goes in. */
export interface GoSource {
  readonly by: "go";
  /** Folder under components/go. */
  readonly module: string;
  /** Package path → name of the program. */
  readonly packages: Readonly<Record<string, string>>;
  readonly tags?: readonly string[];
  /** Linker settings `importpath.name` → value, such as the version that is reported. */
  readonly settings?: Readonly<Record<string, string>>;
  /** More names for a program that looks at what it is called by: name → program. */
  readonly links?: Readonly<Record<string, string>>;
  /** Files that a module carries beside its source: path inside it → name. */
  readonly files?: readonly { readonly module: string; readonly gives: Readonly<Record<string, string>> }[];
  /** Modules built with files of ours in place of theirs: path inside it → name in the folder `patches`. */
  readonly patches?: readonly { readonly module: string; readonly files: Readonly<Record<string, string>> }[];
}

/** Debian packages, from the archive the host's apt uses, verified by Debian's archive keyring. */
export interface DebianSource {
  readonly by: "debian";
}

/** Put together here from other components. */
export interface AssembledSource {
  readonly by: "assembled";
  readonly from: readonly ComponentName[];
}

export type Source = OfficialSource | GoSource | DebianSource | AssembledSource;

/** Of what kind the result is: programs, container images, a root file system, or programs from our own source. */
export type ComponentKind = "binary" | "image" | "archive" | "root" | "source";

export interface Component {
  readonly name: ComponentName;
  readonly kind: ComponentKind;
  readonly version: string;
  /** What the platform needs it for. */
  readonly reason: string;
  /** Seconds on two idle cores with nothing cached, where no release can be downloaded. */
  readonly expectedSeconds: number;
  readonly sources: readonly [Source, ...Source[]];
}
