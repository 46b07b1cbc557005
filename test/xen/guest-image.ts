/**
 * A small Debian 13 for paravirtual guests: enough for an ECAM's VIP and for
 * SSH. It holds no name, address or key; those come with each machine's seed.
 */
import { readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { run } from "#components/run.ts";
import { ensureEntry } from "#components/store.ts";
import { installDebian, makeFileSystem, type RootRecipe, writeFiles } from "./debian.ts";

const SIZE_MIB = 512;

const ROOT: RootRecipe = {
  suite: "trixie",
  packages: ["systemd-sysv", "udev", "openssh-server", "iproute2", "keepalived", "haproxy", "procps"],
};

const FILES = {
  // The file system grows to its volume at the first boot (systemd-growfs).
  "/etc/fstab": { content: "/dev/xvda / ext4 defaults,x-systemd.growfs 0 1\n" },
  "/etc/systemd/journald.conf.d/10-panopticon.conf": {
    content: "[Journal]\nStorage=volatile\nRuntimeMaxUse=16M\n",
  },
};

const MASKED = ["getty.target", "systemd-networkd-wait-online.service", "systemd-firstboot.service"];
const UNUSED = ["apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer"];

/** The gzipped ext4 image, made first where the cache has none (about a minute, as root). */
export async function guestImage(cacheDir: string): Promise<string> {
  const { out } = await ensureEntry(cacheDir, {
    name: "xen-guest",
    version: "trixie",
    recipe: { root: ROOT, files: FILES, masked: [...MASKED, ...UNUSED], sizeMiB: SIZE_MIB, revision: 1 },
    make: async (folders) => {
      const [root, image] = [join(folders.scratch, "root"), join(folders.scratch, "root.img")];
      await installDebian(root, ROOT);
      await writeFiles(root, FILES);
      const units = join(root, "etc/systemd/system");
      await run([
        "systemctl",
        `--root=${root}`,
        "disable",
        "ssh.socket",
        "keepalived.service",
        "haproxy.service",
      ]);
      await run(["systemctl", `--root=${root}`, "enable", "ssh.service", "systemd-networkd.service"]);
      for (const name of [...MASKED, ...UNUSED, "sshd-keygen.service"]) {
        await rm(join(units, name), { force: true });
        await symlink("/dev/null", join(units, name));
      }
      await makeFileSystem(root, image, SIZE_MIB);
      await writeFile(join(folders.out, "root.img.gz"), gzipSync(await readFile(image), { level: 6 }));
      return "Debian packages";
    },
  });
  return join(out, "root.img.gz");
}
