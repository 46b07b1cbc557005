/** What the emulated server is made with, brought like the lab's packages; never needed by `npm test`. */
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

/** Throws where they are missing and may not or can't be installed: these tests are asked for by name and skip nothing. */
export async function bringPackages(sticks: "with sticks" | "without" = "without"): Promise<void> {
  const programs = sticks === "without" ? PROGRAMS : { ...PROGRAMS, ...STICK_PROGRAMS, ...absentFiles() };
  const missing = await missingPackages(programs);
  if (missing.length > 0 && process.env["PANOPTICON_NO_INSTALL"]) {
    throw new Error(`install them: apt-get install ${missing.join(" ")}`);
  }
  if (process.getuid?.() !== 0) throw new Error("the images are made by mmdebstrap, which wants root");
  await ensureHostPackages({ yes: true, programs, emit: () => undefined });
}

function absentFiles(): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(STICK_FILES).filter(([file]) => !existsSync(file)));
}
