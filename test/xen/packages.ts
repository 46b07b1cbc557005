/** What the emulated server is made with, brought like the lab's packages. */
import { ensureHostPackages, missingPackages } from "#app/host.ts";

const PROGRAMS = {
  mmdebstrap: "mmdebstrap",
  "qemu-system-x86_64": "qemu-system-x86",
  mke2fs: "e2fsprogs",
  ssh: "openssh-client",
};

/** Why no server can be emulated here, in words; undefined where one can, once the packages are brought. */
async function xenObstacle(): Promise<string | undefined> {
  const missing = await missingPackages(PROGRAMS);
  if (missing.length > 0 && process.env["PANOPTICON_NO_INSTALL"]) {
    return `install them: apt-get install ${missing.join(" ")}`;
  }
  if (process.getuid?.() !== 0) return "the server's image is made by mmdebstrap, which wants root";
  return undefined;
}

/** Throws where they are missing and may not or can't be installed: these tests were asked for and skip nothing. */
export async function bringPackages(): Promise<void> {
  const obstacle = await xenObstacle();
  if (obstacle !== undefined) throw new Error(obstacle);
  await ensureHostPackages({ yes: true, programs: PROGRAMS, emit: () => undefined });
}
