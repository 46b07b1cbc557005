/** A machine's disks: logical volumes of its server, the root's with a system and the seed in it. */
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import { worldFailed } from "#base/errors.ts";
import type { Shell } from "#ports/shell.ts";
import type { RenderedFile } from "#render/files.ts";

export interface Volume {
  readonly group: string;
  readonly name: string;
  readonly sizeGiB: number;
}

/**
 * $1 group, $2 volume, $3 GiB, $4 image, $5 the length of the input, which is the
 * seed's archive: a connection that breaks must not pass for its end. The volume
 * has another name until it is whole, so that what a killed run leaves is thrown
 * away by the next one. The file system is ours and was never booted: mounting
 * it here is safe.
 */
const ROOT_VOLUME = `
set -eu
umask 077
folder=/run/panopticon/$2
clean() {
  rm -f "$folder.tar"
  if mountpoint -q "$folder"; then umount "$folder"; fi
  if [ -d "$folder" ]; then rmdir "$folder"; fi
}
clean
if lvs "$1/$2" >/dev/null 2>&1; then exit 0; fi
mkdir -p /run/panopticon
trap clean EXIT
cat > "$folder.tar"
if [ "$(stat -c %s "$folder.tar")" != "$5" ]; then echo "the seed came in part only" >&2; exit 1; fi
if lvs "$1/$2.new" >/dev/null 2>&1; then lvremove -qq -y "$1/$2.new"; fi
lvcreate -qq -y -W y -Z y --addtag panopticon -L "$3g" -n "$2.new" "$1"
dd if="$4" of="/dev/$1/$2.new" bs=4M conv=fsync status=none
mkdir "$folder"
mount -t ext4 -o nodev,nosuid,noexec "/dev/$1/$2.new" "$folder"
umask 022
tar -xpf "$folder.tar" -C "$folder" --no-same-owner
umount "$folder"
lvrename -qq "$1" "$2.new" "$2"
`;

/** $1 group, $2 volume, $3 GiB. */
const EMPTY_VOLUME = `
set -eu
if lvs "$1/$2" >/dev/null 2>&1; then exit 0; fi
lvcreate -qq -y -W y -Z y --addtag panopticon -L "$3g" -n "$2" "$1"
`;

/** $1 group, $2 volume: the guest's backend may hold it for a moment after the guest is gone. */
const REMOVE_VOLUME = `
for try in 1 2 3 4 5 6 7 8 9 10; do
  lvs "$1/$2" >/dev/null 2>&1 || exit 0
  lvremove -qq -y "$1/$2" && exit 0
  sleep 1
done
exit 1
`;

/** Makes the root's volume from the image (a path on the server) with the seed, where it is absent. */
export async function makeRoot(
  shell: Shell,
  server: string,
  lock: readonly string[],
  volume: Volume,
  image: string,
  seed: readonly RenderedFile[],
): Promise<void> {
  const { group, name, sizeGiB } = volume;
  const input = await archive(seed);
  const values = [group, name, String(sizeGiB), `${image}/root.img`, String(input.byteLength)];
  await must(shell, server, volume, [...lock, "sh", "-c", ROOT_VOLUME, "root", ...values], input);
}

/** Makes another disk's volume, empty, where it is absent. */
export async function makeEmpty(
  shell: Shell,
  server: string,
  lock: readonly string[],
  volume: Volume,
): Promise<void> {
  const { group, name, sizeGiB } = volume;
  await must(shell, server, volume, [
    ...lock,
    "sh",
    "-c",
    EMPTY_VOLUME,
    "data",
    group,
    name,
    String(sizeGiB),
  ]);
}

/** Removes a volume with what is in it. */
export async function removeVolume(
  shell: Shell,
  server: string,
  volume: Pick<Volume, "group" | "name">,
): Promise<void> {
  const { group, name } = volume;
  await must(shell, server, volume, ["sh", "-c", REMOVE_VOLUME, "remove", group, name]);
}

async function must(
  shell: Shell,
  server: string,
  volume: Pick<Volume, "group" | "name">,
  argv: readonly string[],
  input?: Uint8Array,
): Promise<void> {
  const { code, stderr } = await shell.run(server, argv, input && { input });
  if (code === 0) return;
  throw worldFailed(
    "XEN_VOLUME_FAILED",
    `The volume ${volume.group}/${volume.name} on ${server} could not be made or removed: ${stderr.trim()}`,
    "See `lvs` there; then run the same again.",
  );
}

/** The seed as a tar archive, owned by root. */
async function archive(files: readonly RenderedFile[]): Promise<Uint8Array> {
  const out = pack();
  for (const { path, content, mode } of files) out.entry({ name: `.${path}`, mode, uid: 0, gid: 0 }, content);
  out.finalize();
  return await buffer(out);
}
