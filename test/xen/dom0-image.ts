/**
 * The disk of an emulated server: Debian 12 with Xen 4.17, a bridge, an SSH
 * server that lets one key in. Made
 * once per recipe and kept in the components' cache.
 */
import { copyFile, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { mustRun } from "#base/process.ts";
import { ensureEntry } from "#components/store.ts";
import { run } from "#components/run.ts";
import { installDebian, makeFileSystem, type RootRecipe, writeFiles } from "./debian.ts";

/** What QEMU boots, and how one enters. */
export interface Dom0Image {
  /** Raw ext4, the root of dom0; never written to (QEMU keeps changes beside it). */
  readonly disk: string;
  readonly xen: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly keyFile: string;
  /** `ssh-ed25519 …`, as a known_hosts file wants it. */
  readonly hostKey: string;
  /** Lets the same operator into guests. */
  readonly authorizedKey: string;
}

/** The emulated server's own place in the site's LAN. */
export const DOM0 = { address: "10.11.0.2", prefix: 24, gateway: "10.11.0.1", mac: "52:54:00:11:00:02" };

const DISK_MIB = 4096;

/** In the initrd and loaded from it. */
const MODULES = "virtio_pci virtio_blk ext4 crc32c_generic xen-blkfront xen-netfront xen-pcifront e1000e";

const ROOT: RootRecipe = {
  suite: "bookworm",
  packages: (
    "linux-image-amd64 initramfs-tools lz4 kmod udev systemd-sysv procps " +
    "xen-hypervisor-4.17-amd64 xen-utils-4.17 xenstore-utils " +
    "openssh-server iproute2 bridge-utils pciutils iputils-ping lvm2"
  ).split(" "),
  hook: `set -e
mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/etc/initramfs-tools/hooks"
printf 'MODULES=list\\nCOMPRESS=lz4\\nRESUME=none\\n' > "$1/etc/initramfs-tools/conf.d/panopticon"
cat > "$1/etc/initramfs-tools/hooks/panopticon" <<'HOOK'
#!/bin/sh
[ "$1" = prereqs ] && exit 0
. /usr/share/initramfs-tools/hook-functions
for module in ${MODULES}; do force_load "$module"; done
HOOK
chmod 755 "$1/etc/initramfs-tools/hooks/panopticon"`,
};

const FILES = {
  "/etc/hostname": "dom0\n",
  "/etc/fstab": "/dev/vda / ext4 defaults 0 1\n",
  "/etc/modules-load.d/xen.conf":
    "xen-netback\nxen-blkback\nxen-gntdev\nxen-evtchn\ntun\nloop\nbridge\ndm-mod\n",
  "/etc/systemd/journald.conf.d/10-panopticon.conf": "[Journal]\nStorage=volatile\n",
  "/etc/systemd/network/10-xenbr0.netdev": `[NetDev]\nName=xenbr0\nKind=bridge\nMACAddress=${DOM0.mac}\n\n[Bridge]\nSTP=no\nForwardDelaySec=0\n`,
  "/etc/systemd/network/20-port.network": `[Match]\nPermanentMACAddress=${DOM0.mac}\n\n[Network]\nBridge=xenbr0\n`,
  "/etc/systemd/network/30-xenbr0.network": `[Match]\nName=xenbr0\n\n[Network]\nAddress=${DOM0.address}/${DOM0.prefix}\nGateway=${DOM0.gateway}\nLinkLocalAddressing=no\n`,
  "/etc/ssh/sshd_config.d/10-panopticon.conf":
    "HostKey /etc/ssh/ssh_host_ed25519_key\nPasswordAuthentication no\nUsePAM no\nUseDNS no\n",
};

/** What a server would start and the tests have no use for: each is a process, and processes cost most here. */
const MASKED = (
  "getty.target systemd-networkd-wait-online.service systemd-random-seed.service systemd-journal-flush.service " +
  "e2scrub_reap.service e2scrub_all.timer apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer " +
  "dev-mqueue.mount dev-hugepages.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount " +
  "modprobe@efi_pstore.service modprobe@fuse.service modprobe@drm.service systemd-pstore.service " +
  "systemd-update-utmp.service systemd-network-generator.service systemd-sysusers.service " +
  "systemd-logind.service systemd-user-sessions.service proc-sys-fs-binfmt_misc.automount"
).split(" ");

/** Gives the image, made first where the cache has none (about two minutes, as root). */
export async function dom0Image(cacheDir: string): Promise<Dom0Image> {
  const recipe = { root: ROOT, files: FILES, masked: MASKED, sizeMiB: DISK_MIB, revision: 2 };
  const { out } = await ensureEntry(cacheDir, {
    name: "xen-dom0",
    version: "bookworm",
    recipe,
    make: ({ out: folder, scratch }) => makeImage(folder, join(scratch, "root")),
  });
  const publicPart = (text: string): string => text.trim().split(" ").slice(0, 2).join(" ");
  return {
    disk: join(out, "disk.img"),
    xen: join(out, "xen.elf"),
    kernel: join(out, "vmlinuz"),
    initrd: join(out, "initrd.img"),
    keyFile: join(out, "operator"),
    hostKey: publicPart(await readFile(join(out, "host.pub"), "utf8")),
    authorizedKey: publicPart(await readFile(join(out, "operator.pub"), "utf8")),
  };
}

async function makeImage(out: string, root: string): Promise<string> {
  await installDebian(root, ROOT);
  for (const name of ["host", "operator"])
    await mustRun("TEST", ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", join(out, name)]);
  const own = Object.entries(FILES).map(([path, content]) => [path, { content }] as const);
  await writeFiles(root, {
    ...Object.fromEntries(own),
    "/root/.ssh/authorized_keys": { content: await readFile(join(out, "operator.pub"), "utf8"), mode: 0o600 },
    "/etc/ssh/ssh_host_ed25519_key": { content: await readFile(join(out, "host"), "utf8"), mode: 0o600 },
  });
  await run(["systemctl", `--root=${root}`, "enable", "ssh.service", "systemd-networkd.service"]);
  await run(["systemctl", `--root=${root}`, "mask", "--quiet", ...MASKED]);
  await takeBootFiles(join(root, "boot"), out);
  await makeFileSystem(root, join(out, "disk.img"), DISK_MIB);
  await rm(join(out, "host")); // what the image has is enough
  return "Debian packages";
}

/** The hypervisor unpacked, since QEMU's multiboot loader reads no gzip; kernel and initrd as they are. */
async function takeBootFiles(boot: string, out: string): Promise<void> {
  const names = await readdir(boot);
  const named = (pattern: RegExp): string => {
    const found = names.find((name) => pattern.test(name));
    if (found === undefined) throw new Error(`no ${pattern} in /boot of the dom0 root`);
    return join(boot, found);
  };
  await writeFile(join(out, "xen.elf"), gunzipSync(await readFile(named(/^xen-[0-9.]+-amd64\.gz$/))));
  await copyFile(named(/^vmlinuz-/), join(out, "vmlinuz"));
  await copyFile(named(/^initrd\.img-/), join(out, "initrd.img"));
}
