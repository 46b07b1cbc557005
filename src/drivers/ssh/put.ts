/** Many files in one command: an archive on its standard input, and a fixed script that puts each in place. */
import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import { wrongUse } from "#base/errors.ts";
import type { RenderedFile } from "#render/files.ts";

/**
 * $1 is the ending of the archive's names. Every file is unpacked beside its
 * place, so on the same filesystem, is on the disk before it gets its name, and
 * gets it in one step. Names come from `temporaryName` and have neither spaces
 * nor line breaks, so the shell may split the list.
 */
const SCRIPT = `
set -eu
umask 022
names=
clean() { cd / && rm -f -- $names; }
trap clean EXIT
cd /
names=$(tar -xpvf - --no-same-owner) || { echo "unpacking failed" >&2; exit 1; }
sync -- $names
for name in $names; do
  place=\${name%"$1"}
  mv -fT -- "$name" "\${place%/*}/\${place##*/.}"
done
names=
`;

/** The command and its input that write the files as root; the contents are in the input only. */
export async function putCommand(
  files: readonly RenderedFile[],
): Promise<{ readonly argv: readonly string[]; readonly input: Uint8Array }> {
  const ending = `.${randomBytes(6).toString("hex")}`;
  const archive = pack();
  for (const { path, content, mode } of files) {
    archive.entry({ name: temporaryName(path, ending), mode, uid: 0, gid: 0 }, content);
  }
  archive.finalize();
  return { argv: ["sh", "-c", SCRIPT, "put", ending], input: await buffer(archive) };
}

/** `/etc/hosts` as `./etc/.hosts<ending>`: hidden from whatever reads the folder, until it is complete. */
function temporaryName(path: string, ending: string): string {
  const parts = path.split("/");
  if (!/^(\/[A-Za-z0-9._@:+=,~-]+)+$/.test(path) || parts.includes("..") || parts.includes(".")) {
    throw wrongUse("SSH_PUT_PATH", `${JSON.stringify(path)} is no plain absolute path.`);
  }
  return [".", ...parts.slice(1, -1), `.${parts.at(-1)}${ending}`].join("/");
}
