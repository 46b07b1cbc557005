/** Debian roots for the emulated server and its guests, and file systems made of them without a loop mount. */
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Bootstrap, bootstrap } from "#components/bootstrap.ts";
import { hostMirror } from "#components/debian.ts";
import { KEPT_ALL_THE_SAME, LEFT_OUT } from "#components/packages.ts";
import { run } from "#components/run.ts";

export interface RootRecipe {
  readonly suite: "bookworm" | "trixie";
  readonly packages: readonly string[];
  /** Run by mmdebstrap once the essential packages are unpacked; $1 is the root. Fixed text only. */
  readonly hook?: string;
}

/** Installs the packages into the folder `root`. Needs root; takes about a minute. */
export async function installDebian(root: string, recipe: RootRecipe): Promise<void> {
  const wanted: Bootstrap = {
    suite: recipe.suite,
    variant: "minbase",
    packages: recipe.packages,
    leftOut: LEFT_OUT,
    kept: KEPT_ALL_THE_SAME,
    format: "directory",
    target: root,
    hooks: recipe.hook === undefined ? [] : [`--extract-hook=${recipe.hook}`],
    code: "COMPONENT_BASE_ROOT",
  };
  await bootstrap(wanted, await hostMirror());
  await removeWhatIsPerMachine(root);
}

/** Host keys are made by us; the machine's id and name come with the machine. Folders of logs stay: daemons want theirs. */
async function removeWhatIsPerMachine(root: string): Promise<void> {
  const ssh = join(root, "etc/ssh");
  for (const name of await readdir(ssh)) if (name.startsWith("ssh_host_")) await rm(join(ssh, name));
  for (const folder of ["var/lib/apt/lists", "var/cache/apt", "var/log", "usr/share/locale"])
    await run(["find", join(root, folder), "-type", "f", "-delete"]);
  await rm(join(root, "etc/resolv.conf"), { force: true });
  await writeFile(join(root, "etc/machine-id"), "");
}

/** Writes small files below the root, by absolute path. */
export async function writeFiles(
  root: string,
  files: Readonly<Record<string, { readonly content: string; readonly mode?: number }>>,
): Promise<void> {
  for (const [path, { content, mode = 0o644 }] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content, { mode });
  }
}

/**
 * An ext4 file system of that size with the folder in it. Without a journal and
 * checksums, which cost an emulated processor more than they are worth here.
 */
export async function makeFileSystem(root: string, image: string, sizeMiB: number): Promise<void> {
  const features = "^metadata_csum,^has_journal";
  await run(["mke2fs", "-q", "-F", "-t", "ext4", "-O", features, "-d", root, image, `${sizeMiB}M`]);
}
