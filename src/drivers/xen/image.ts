/** What guests boot, brought to a server once: kernel, initrd and root file system. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { worldFailed } from "#base/errors.ts";
import type { FileInput, Shell } from "#ports/shell.ts";
import { XEN_FOLDERS } from "#render/xen/domain.ts";

/** Files on this box. */
export interface GuestImageFiles {
  readonly kernel: string;
  readonly initrd: string;
  /** Gzipped ext4. */
  readonly root: string;
}

export interface GuestImage {
  readonly files: GuestImageFiles;
  /** Of all three; names the image's folder on servers. */
  readonly digest: string;
  /** That folder. */
  readonly folder: string;
}

/** Reads the files once, for the digest. */
export async function openGuestImage(files: GuestImageFiles): Promise<GuestImage> {
  const hash = createHash("sha256");
  for (const path of [files.kernel, files.initrd, files.root]) {
    hash.update(
      createHash("sha256")
        .update(await readFile(path))
        .digest(),
    );
  }
  const digest = hash.digest("hex").slice(0, 16);
  return { files, digest, folder: `${XEN_FOLDERS.images}/${digest}` };
}

/** $1 the folder, $2 the file's name, $3 `gzip` where the input is packed: each file is whole or not there. */
const RECEIVE = `
set -eu
umask 077
mkdir -p "$1.new"
case "$3" in
  gzip) gzip -dc > "$1.new/$2.part" ;;
  *) cat > "$1.new/$2.part" ;;
esac
sync "$1.new/$2.part"
mv -fT "$1.new/$2.part" "$1.new/$2"
`;

/** $1 the folder. */
const PUBLISH = `set -eu; [ -d "$1" ] || mv -T "$1.new" "$1"`;

/** Uploads the image; what a former run left half done is written over. */
export async function bringImage(shell: Shell, server: string, image: GuestImage): Promise<void> {
  const parts = [
    ["vmlinuz", image.files.kernel, "plain"],
    ["initrd.img", image.files.initrd, "plain"],
    ["root.img", image.files.root, "gzip"],
  ] as const;
  const must = async (argv: readonly string[], input?: FileInput): Promise<void> => {
    const { code, stderr } = await shell.run(server, argv, input && { input });
    if (code === 0) return;
    const said = stderr.trim() || `it ended with ${code}`;
    throw worldFailed("XEN_IMAGE_FAILED", `The guests' image could not be brought to ${server}: ${said}`);
  };
  for (const [name, path, packing] of parts) {
    await must(["sh", "-c", RECEIVE, "receive", image.folder, name, packing], { file: path });
  }
  await must(["sh", "-c", PUBLISH, "publish", image.folder]);
}
