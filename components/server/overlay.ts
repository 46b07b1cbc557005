/** The files laid over an installed Debian before it is packed as a server's system. */
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { pack } from "tar-stream";
import { EPOCH_S } from "../guest/roles.ts";
import { SERVER_COMPONENTS, SERVER_MASKED, SERVER_MODULES, SERVER_STARTED, SERVER_SUITE } from "./recipe.ts";
import { FINISH_SERVER, installerScript, SERVER_WORK } from "./scripts.ts";

/** A file by its path without a leading slash. */
export interface OverlayFile {
  readonly path: string;
  readonly content: string;
}

/** What every server gets, and what `FINISH_SERVER` reads. */
export async function serverOverlay(): Promise<readonly OverlayFile[]> {
  const units = [
    ...SERVER_STARTED.map((name) => `enable ${name}`),
    ...SERVER_MASKED.map(({ name }) => `mask ${name}`),
  ];
  return [
    { path: "etc/modules-load.d/panopticon.conf", content: lines(SERVER_MODULES) },
    { path: "etc/default/grub", content: GRUB },
    { path: `${SERVER_WORK}/initramfs/initramfs.conf`, content: INITRD },
    { path: `${SERVER_WORK}/initramfs/modules`, content: "" },
    { path: `${SERVER_WORK}/initramfs/hooks/panopticon`, content: await installerScript("hook.sh") },
    // mkinitramfs wants its folder; the stick's own takes its place.
    { path: `${SERVER_WORK}/initramfs/scripts/panopticon`, content: "" },
    { path: `${SERVER_WORK}/debian.sources`, content: SOURCES },
    { path: `${SERVER_WORK}/finish`, content: FINISH_SERVER },
    { path: `${SERVER_WORK}/units`, content: lines(units) },
  ];
}

const INITRD = "MODULES=most\nBUSYBOX=y\nCOMPRESS=zstd\nRESUME=none\nKEYMAP=n\n";

/** Debian's Xen makes its own entry the first one where it is told to. */
const GRUB = `GRUB_DEFAULT=0
GRUB_TIMEOUT=3
GRUB_DISTRIBUTOR=Debian
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX=""
XEN_OVERRIDE_GRUB_DEFAULT=1
`;

const SOURCES = (
  [
    ["debian", `${SERVER_SUITE} ${SERVER_SUITE}-updates`],
    ["debian-security", `${SERVER_SUITE}-security`],
  ] as const
)
  .map(
    ([archive, suites]) => `Types: deb
URIs: https://deb.debian.org/${archive}
Suites: ${suites}
Components: ${SERVER_COMPONENTS.join(" ")}
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`,
  )
  .join("\n");

/** Writes the files as a tar of fixed order, owners and times. */
export async function writeTar(
  path: string,
  files: readonly (OverlayFile & { readonly mode?: number })[],
): Promise<void> {
  const archive = pack();
  const writing = pipeline(archive, createWriteStream(path, { mode: 0o600 }));
  for (const { path: name, content, mode = 0o644 } of files)
    archive.entry({ name, mode, uid: 0, gid: 0, mtime: new Date(EPOCH_S * 1000) }, content);
  archive.finalize();
  await writing;
}

function lines(words: readonly string[]): string {
  return words.map((word) => `${word}\n`).join("");
}
