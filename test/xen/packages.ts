/** What the emulated server is made with, brought like the lab's packages. */
import { existsSync } from "node:fs";
import { ensureHostPackages, missingPackages } from "#app/host.ts";

const PROGRAMS = {
  mmdebstrap: "mmdebstrap",
  "qemu-system-x86_64": "qemu-system-x86",
  mke2fs: "e2fsprogs",
  ssh: "openssh-client",
};

/** What sticks are made with, too. */
const STICK_PROGRAMS = {
  "grub-mkrescue": "grub-common",
  xorriso: "xorriso",
  mformat: "mtools",
};

/** Packages that bring no program: boot loaders for a stick, and UEFI for the emulator. */
const STICK_FILES: Readonly<Record<string, string>> = {
  "/usr/lib/grub/i386-pc/modinfo.sh": "grub-pc-bin",
  "/usr/lib/grub/x86_64-efi/modinfo.sh": "grub-efi-amd64-bin",
  "/usr/share/OVMF/OVMF_CODE_4M.fd": "ovmf",
};

type Sticks = "with sticks" | "without";

/** Why no server can be emulated here, in words; undefined where one can, once the packages are brought. */
export async function xenObstacle(sticks: Sticks = "without"): Promise<string | undefined> {
  const missing = await missingPackages(programsOf(sticks));
  if (missing.length > 0 && process.env["PANOPTICON_NO_INSTALL"]) {
    return `install them: apt-get install ${missing.join(" ")}`;
  }
  if (process.getuid?.() !== 0) return "the images are made by mmdebstrap, which wants root";
  return undefined;
}

/** Throws where they are missing and may not or can't be installed: these tests were asked for and skip nothing. */
export async function bringPackages(sticks: Sticks = "without"): Promise<void> {
  const obstacle = await xenObstacle(sticks);
  if (obstacle !== undefined) throw new Error(obstacle);
  await ensureHostPackages({ yes: true, programs: programsOf(sticks), emit: () => undefined });
}

function programsOf(sticks: Sticks): Readonly<Record<string, string>> {
  return sticks === "without" ? PROGRAMS : { ...PROGRAMS, ...STICK_PROGRAMS, ...absentFiles() };
}

function absentFiles(): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(STICK_FILES).filter(([file]) => !existsSync(file)));
}
