/**
 * The base root: one small Debian as a folder, the lowest overlay layer of every
 * lab machine. Made by mmdebstrap once per snapshot of the Debian archive.
 */
import { access, mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { worldFailed } from "#base/errors.ts";
import { sha256, stableJson } from "#base/hash.ts";
import { type DebianMirror, hostAptOptions, hostMirror, releaseDate } from "./debian.ts";
import { contained, run } from "./run.ts";
import {
  DISABLED_SERVICES,
  ENABLED_SERVICES,
  KEPT_ALL_THE_SAME,
  LEFT_OUT,
  MASKED_UNITS,
  PACKAGES,
} from "./packages.ts";
import type { Wanted } from "./store.ts";

const SUITE = "trixie";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** Raise it when `trim` below changes, so that an old root is not taken for a new one. */
const REVISION = 1;

export interface BaseRootOptions {
  readonly signal?: AbortSignal | undefined;
  readonly say: (what: string) => void;
}

/** What decides the root beside the archive's state. */
const ROOT_RECIPE = {
  revision: REVISION,
  suite: SUITE,
  packages: PACKAGES.map((entry) => entry.name),
  masked: MASKED_UNITS.map((unit) => unit.name),
  disabled: DISABLED_SERVICES,
  enabled: ENABLED_SERVICES,
  leftOut: LEFT_OUT,
  architecture: process.arch,
};

/** Where the newest root made by this recipe is remembered, whatever snapshot it is of. */
export const BASE_ROOT_INDEX = `base-root.${sha256(stableJson(ROOT_RECIPE)).slice(0, 12)}`;

/**
 * Asks the host's archive for its snapshot and says what to make.
 * Undefined where the archive can't be reached.
 */
export async function wantedBaseRoot(scratch: string, options: BaseRootOptions): Promise<Wanted | undefined> {
  const mirror = await hostMirror();
  const snapshot = await releaseDate(mirror.main, SUITE, scratch, options.signal);
  if (snapshot === undefined) return undefined;
  return {
    name: "base-root",
    indexedAs: BASE_ROOT_INDEX,
    version: `${SUITE} of ${new Date(snapshot).toISOString().slice(0, 10)}`,
    recipe: { ...ROOT_RECIPE, snapshot },
    make: async ({ out }) => {
      await requireHostTools();
      await bootstrap(out, mirror, options);
      await trim(out);
      return `Debian packages from ${mirror.main}`;
    },
  };
}

async function requireHostTools(): Promise<void> {
  for (const [path, name] of [
    ["/usr/bin/mmdebstrap", "mmdebstrap"],
    [KEYRING, "debian-archive-keyring"],
  ] as const) {
    const missing = () =>
      worldFailed("COMPONENT_HOST_PACKAGE", `${path} is not there`, `apt-get install ${name}`);
    await access(path).catch(() => {
      throw missing();
    });
  }
}

/** Installs the packages into `root`. Needs root; takes one to two minutes, most of it waiting for the archive. */
async function bootstrap(root: string, mirror: DebianMirror, options: BaseRootOptions): Promise<void> {
  const excluded = LEFT_OUT.map((pattern) => `--dpkgopt=path-exclude=${pattern}`);
  const included = KEPT_ALL_THE_SAME.map((pattern) => `--dpkgopt=path-include=${pattern}`);
  const apt = [...(await hostAptOptions()), 'APT::Sandbox::User "root";'].map(
    (option) => `--aptopt=${option}`,
  );
  const argv = [
    "mmdebstrap",
    "--mode=root",
    "--variant=minbase",
    "--format=directory",
    "--dpkgopt=force-unsafe-io", // the result is published whole or not at all
    `--include=${PACKAGES.map((entry) => entry.name).join(",")}`,
    ...apt,
    ...excluded,
    ...included,
    SUITE,
    root,
    ...sourceLines(mirror),
  ];
  await run(contained(argv), {
    env: { ...process.env, LC_ALL: "C.UTF-8", DEBIAN_FRONTEND: "noninteractive" },
    signal: options.signal,
    code: "COMPONENT_BASE_ROOT",
    hint: `see whether ${mirror.main} can be reached: apt-get update`,
    onLine: (line) => {
      const step = /^I: (.+)$/.exec(line)?.[1];
      if (step) options.say(step.replace(/\.\.\.$/, ""));
    },
  });
}

function sourceLines(mirror: DebianMirror): readonly string[] {
  const signed = `[signed-by=${KEYRING}]`;
  const main = [
    `deb ${signed} ${mirror.main} ${SUITE} main`,
    `deb ${signed} ${mirror.main} ${SUITE}-updates main`,
  ];
  return mirror.security ? [...main, `deb ${signed} ${mirror.security} ${SUITE}-security main`] : main;
}

/** Makes the installed system a base: nothing that must differ per machine, nothing that slows its boot. */
async function trim(root: string): Promise<void> {
  await removeWhatIsPerMachine(root);
  await empty(
    root,
    "var/lib/apt/lists",
    "var/cache/apt",
    "var/cache/debconf",
    "var/log",
    "tmp",
    "usr/share/locale",
  );
  const units = join(root, "etc/systemd/system");
  await run(["systemctl", `--root=${root}`, "disable", ...DISABLED_SERVICES]);
  await run(["systemctl", `--root=${root}`, "enable", ...ENABLED_SERVICES]);
  for (const { name } of MASKED_UNITS) {
    await rm(join(units, name), { force: true });
    await symlink("/dev/null", join(units, name));
  }
  // Listens on sockets of its own beside ssh.service (systemd 256 and later).
  await mkdir(join(root, "etc/systemd/system-generators"), { recursive: true });
  await symlink("/dev/null", join(root, "etc/systemd/system-generators/systemd-ssh-generator"));
  await mkdir(join(root, "etc/systemd/journald.conf.d"), { recursive: true });
  await writeFile(
    join(root, "etc/systemd/journald.conf.d/10-panopticon.conf"),
    "[Journal]\nStorage=volatile\nRuntimeMaxUse=32M\n",
  );
}

/** Host keys are made by us and pinned; the machine's id and name come with the machine. */
async function removeWhatIsPerMachine(root: string): Promise<void> {
  const ssh = join(root, "etc/ssh");
  for (const name of await readdir(ssh)) {
    if (name.startsWith("ssh_host_")) await rm(join(ssh, name));
  }
  for (const path of ["var/lib/dbus/machine-id", "etc/hostname", "etc/resolv.conf"]) {
    await rm(join(root, path), { force: true });
  }
  await writeFile(join(root, "etc/machine-id"), "");
}

async function empty(root: string, ...folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    const path = join(root, folder);
    for (const name of await readdir(path)) await rm(join(path, name), { recursive: true, force: true });
  }
}
