/** What the emulated server is made with, brought like the lab's packages; never needed by `npm test`. */
import { ensureHostPackages, missingPackages } from "#app/host.ts";

const PROGRAMS = {
  mmdebstrap: "mmdebstrap",
  "qemu-system-x86_64": "qemu-system-x86",
  mke2fs: "e2fsprogs",
  ssh: "openssh-client",
};

/** Throws where they are missing and may not or can't be installed: these tests are asked for by name and skip nothing. */
export async function bringPackages(): Promise<void> {
  const missing = await missingPackages(PROGRAMS);
  if (missing.length > 0 && process.env["PANOPTICON_NO_INSTALL"]) {
    throw new Error(`install them: apt-get install ${missing.join(" ")}`);
  }
  if (process.getuid?.() !== 0) throw new Error("the images are made by mmdebstrap, which wants root");
  await ensureHostPackages({ yes: true, programs: PROGRAMS, emit: () => undefined });
}
