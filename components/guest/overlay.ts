/** The files laid over an installed Debian before its image is made, as a tar of fixed order and times. */
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { pack } from "tar-stream";
import { EPOCH_S, GUEST_MASKED, GUEST_RECIPES, type GuestRole, STARTED } from "./roles.ts";
import { FINISH, WORK } from "./scripts.ts";

type OverlayEntry =
  | { readonly path: string; readonly content: string }
  | { readonly path: string; readonly linkTo: string };

/** What every machine of the role gets, and what `FINISH` reads; paths without a leading slash. */
export function overlayEntries(role: GuestRole): readonly OverlayEntry[] {
  const { modules = [], bootModules, disabled } = GUEST_RECIPES[role];
  const patterns = modules.flatMap(({ paths }) => paths).map((path) => `^kernel/${path}`);
  const units = [
    ...disabled.map((name) => `disable ${name}`),
    ...STARTED.map((name) => `enable ${name}`),
    ...GUEST_MASKED.map(({ name }) => `mask ${name}`),
  ];
  return [
    // The file system grows to its volume at the first boot (systemd-growfs).
    { path: "etc/fstab", content: "/dev/xvda / ext4 defaults,x-systemd.growfs 0 1\n" },
    { path: "etc/initramfs-tools/conf.d/panopticon", content: INITRD },
    { path: "etc/initramfs-tools/modules", content: lines(bootModules) },
    { path: "etc/systemd/journald.conf.d/10-panopticon.conf", content: JOURNAL },
    // Listens on sockets of its own beside ssh.service (systemd 256 and later).
    { path: "etc/systemd/system-generators/systemd-ssh-generator", linkTo: "/dev/null" },
    ...(role === "ecam" ? [] : [{ path: "opt/cni/bin", linkTo: "/usr/lib/cni" }]),
    { path: `${WORK}/finish`, content: FINISH },
    { path: `${WORK}/modules`, content: lines(patterns) },
    { path: `${WORK}/units`, content: lines(units) },
  ];
}

/** With what checks the root before it is mounted; gzip is there already. */
const INITRD = "MODULES=list\nCOMPRESS=gzip\nRESUME=none\nFSTYPE=ext4\n";

/** A machine's journal is in memory: it is read while something is wrong, and wears no disk. */
const JOURNAL = "[Journal]\nStorage=volatile\nRuntimeMaxUse=32M\n";

/** Writes the role's overlay to `path`. */
export async function writeOverlay(role: GuestRole, path: string): Promise<void> {
  const archive = pack();
  const writing = pipeline(archive, createWriteStream(path));
  for (const entry of overlayEntries(role)) {
    // tar makes the folders, where they are missing.
    if ("linkTo" in entry)
      archive.entry({ ...OWNED, name: entry.path, type: "symlink", linkname: entry.linkTo });
    else archive.entry({ ...OWNED, name: entry.path, mode: 0o644 }, entry.content);
  }
  archive.finalize();
  await writing;
}

const OWNED = { uid: 0, gid: 0, mtime: new Date(EPOCH_S * 1000) } as const;

function lines(words: readonly string[]): string {
  return words.map((word) => `${word}\n`).join("");
}
