/** How a Debian is installed from its archive by mmdebstrap, for the lab's machines, for guests and for tests. */
import { access } from "node:fs/promises";
import { worldFailed } from "#base/errors.ts";
import { type DebianMirror, hostAptOptions } from "./debian.ts";
import { contained, run, tied } from "./run.ts";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

export interface Bootstrap {
  readonly suite: string;
  /** Parts of the archive; only `main` where it is not given. */
  readonly components?: readonly string[];
  /** `essential` has no apt: what it makes is replaced, never upgraded in place. */
  readonly variant: "minbase" | "essential";
  readonly packages: readonly string[];
  /** What dpkg leaves out, and of that what it keeps all the same, as dpkg's path patterns. */
  readonly leftOut: readonly string[];
  readonly kept: readonly string[];
  /** A folder (needs root), or a tar of the system. */
  readonly format: "directory" | "tar";
  readonly target: string;
  /** As mmdebstrap reads them, such as `--customize-hook=…`; fixed text and paths of ours only. */
  readonly hooks?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Error code of a failure. */
  readonly code: string;
}

export interface BootstrapOptions {
  readonly signal?: AbortSignal | undefined;
  readonly say?: ((what: string) => void) | undefined;
}

/** Whether we are root; else a tar is made in a user namespace with the ids of /etc/subuid. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Throws COMPONENT_HOST_PACKAGE where mmdebstrap, the archive's keys, or what a user without root needs are missing. */
export async function requireBootstrapTools(): Promise<void> {
  const programs: (readonly [path: string, name: string])[] = [
    ["/usr/bin/mmdebstrap", "mmdebstrap"],
    [KEYRING, "debian-archive-keyring"],
  ];
  if (!isRoot()) programs.push(["/usr/bin/newuidmap", "uidmap"]);
  for (const [path, name] of programs) {
    await access(path).catch(() => {
      throw worldFailed("COMPONENT_HOST_PACKAGE", `${path} is not there`, `apt-get install ${name}`);
    });
  }
}

/**
 * Installs the packages, without those they only recommend. Takes half a minute
 * to two, most of it waiting for the archive. With SOURCE_DATE_EPOCH in `env` a
 * tar has the same bytes whenever the packages are the same.
 */
export async function bootstrap(
  wanted: Bootstrap,
  mirror: DebianMirror,
  options: BootstrapOptions = {},
): Promise<void> {
  const apt = [...(await hostAptOptions()), 'APT::Sandbox::User "root";'];
  const argv = [
    "mmdebstrap",
    `--mode=${isRoot() ? "root" : "unshare"}`,
    `--variant=${wanted.variant}`,
    `--format=${wanted.format}`,
    "--dpkgopt=force-unsafe-io", // the result is published whole or not at all
    `--include=${wanted.packages.join(",")}`,
    ...apt.map((option) => `--aptopt=${option}`),
    ...wanted.leftOut.map((pattern) => `--dpkgopt=path-exclude=${pattern}`),
    ...wanted.kept.map((pattern) => `--dpkgopt=path-include=${pattern}`),
    ...(wanted.hooks ?? []),
    wanted.suite,
    wanted.target,
    ...sourceLines(mirror, wanted),
  ];
  await run(isRoot() ? contained(argv) : tied(argv), {
    env: { ...process.env, LC_ALL: "C.UTF-8", DEBIAN_FRONTEND: "noninteractive", ...wanted.env },
    signal: options.signal,
    code: wanted.code,
    hint: `see whether ${mirror.main} can be reached: apt-get update`,
    onLine: (line) => {
      const step = /^I: (.+)$/.exec(line)?.[1];
      // A folder's name tells a person nothing.
      if (step && !step.includes("/")) options.say?.(step.replace(/\.\.\.$/, ""));
    },
  });
}

function sourceLines(mirror: DebianMirror, { suite, components = ["main"] }: Bootstrap): readonly string[] {
  const signed = `[signed-by=${KEYRING}]`;
  const parts = components.join(" ");
  const main = [
    `deb ${signed} ${mirror.main} ${suite} ${parts}`,
    `deb ${signed} ${mirror.main} ${suite}-updates ${parts}`,
  ];
  return mirror.security ? [...main, `deb ${signed} ${mirror.security} ${suite}-security ${parts}`] : main;
}
