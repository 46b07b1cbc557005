/**
 * Makes the image of a stick: an ISO 9660 file system that BIOS and UEFI boot,
 * from a stick and as a virtual CD alike. No root, no loop mount.
 */
import { createHash } from "node:crypto";
import { access, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PanopticonError } from "#base/errors.ts";
import { run, tied } from "../run.ts";
import { cpio } from "./cpio.ts";
import { type OverlayFile, writeTar } from "./overlay.ts";
import { INSTALLER_SCRIPTS, installerScript } from "./scripts.ts";
import type { HadSystem } from "./system.ts";

/** What grub-mkrescue needs on this box, and the Debian package that brings each. */
const TOOLS: readonly (readonly [path: string, name: string])[] = [
  ["/usr/bin/grub-mkrescue", "grub-common"],
  ["/usr/lib/grub/i386-pc/modinfo.sh", "grub-pc-bin"],
  ["/usr/lib/grub/x86_64-efi/modinfo.sh", "grub-efi-amd64-bin"],
  ["/usr/bin/xorriso", "xorriso"],
  ["/usr/bin/mformat", "mtools"],
];

/** What a stick has beside the system; paths from its top, without a leading slash. */
export interface StickContents {
  /** The file system's name. */
  readonly label: string;
  readonly files: readonly OverlayFile[];
  /** What is unpacked over the system; has the host key in it. */
  readonly seed: readonly (OverlayFile & { readonly mode: number })[];
}

/** COMPONENT_HOST_PACKAGE, naming every package that is missing. */
export async function requireStickTools(): Promise<void> {
  const found = await Promise.allSettled(TOOLS.map(([path]) => access(path)));
  const missing = TOOLS.filter((_, index) => found[index]?.status === "rejected");
  if (missing.length === 0) return;
  const message = `not there: ${missing.map(([path]) => path).join(", ")}`;
  const hint = `apt-get install ${missing.map(([, name]) => name).join(" ")}`;
  throw new PanopticonError([{ code: "COMPONENT_HOST_PACKAGE", message, hint }], 3);
}

/** Writes the image to `image`; `scratch` is a private folder, for the host key is put there. Returns its size in bytes. */
export async function makeStick(
  image: string,
  { label, files, seed }: StickContents,
  { folder }: HadSystem,
  { scratch, signal }: { readonly scratch: string; readonly signal?: AbortSignal | undefined },
): Promise<number> {
  const tree = join(scratch, "tree");
  for (const { path, content } of files) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), content);
  }
  for (const name of INSTALLER_SCRIPTS)
    await writeFile(join(tree, "panopticon", name), await installerScript(name));
  const boot = { path: "scripts/panopticon", content: await installerScript("boot.sh"), mode: 0o644 };
  await writeFile(join(tree, "panopticon/boot.img"), cpio([boot]));
  const seedTar = join(tree, "panopticon/seed.tar");
  await writeTar(seedTar, seed);
  const system = JSON.parse(await readFile(join(folder, "system.json"), "utf8")) as HadSystem["info"];
  // Kernel and initrd have proved themselves by the time that somebody could look.
  const unpacked = system.files.filter(({ name }) => name === "system.tar.zst");
  const sums = [
    ...unpacked.map(({ name, sha256 }) => [sha256, name]),
    [
      createHash("sha256")
        .update(await readFile(seedTar))
        .digest("hex"),
      "seed.tar",
    ],
  ];
  await writeFile(join(tree, "panopticon/sums"), sums.map(([sum, name]) => `${sum}  ${name}\n`).join(""));
  const grafts = system.files.map(({ name }) => `panopticon/${name}=${join(folder, name)}`);
  const quiet = ["--locales=", "--fonts=", "--themes="];
  await run(tied(["grub-mkrescue", "-o", image, ...quiet, tree, ...grafts, "--", "-volid", label]), {
    signal,
    code: "COMPONENT_STICK",
    env: { ...process.env, TMPDIR: scratch },
  });
  return (await stat(image)).size;
}
