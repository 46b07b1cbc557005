/**
 * The base root: one small Debian as a folder, the lowest overlay layer of every
 * lab machine. Made by mmdebstrap once per snapshot of the Debian archive.
 */
import { mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256, stableJson } from "#base/hash.ts";
import { type Bootstrap, bootstrap, requireBootstrapTools } from "./bootstrap.ts";
import { type DebianMirror, hostMirror, releaseDate } from "./debian.ts";
import { run } from "./run.ts";
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
      await requireBootstrapTools();
      await install(out, mirror, options);
      await trim(out);
      return `Debian packages from ${mirror.main}`;
    },
  };
}

/** Installs the packages into `root`. Needs root; takes one to two minutes. */
async function install(root: string, mirror: DebianMirror, options: BaseRootOptions): Promise<void> {
  const wanted: Bootstrap = {
    suite: SUITE,
    variant: "minbase",
    packages: PACKAGES.map((entry) => entry.name),
    leftOut: LEFT_OUT,
    kept: KEPT_ALL_THE_SAME,
    format: "directory",
    target: root,
    code: "COMPONENT_BASE_ROOT",
  };
  await bootstrap(wanted, mirror, options);
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
