/** The fixed script that makes a server's system of an installed Debian, and the installer's scripts. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** Where the settings of the making lie and its results are put; taken away before the system is packed. */
export const SERVER_WORK = "boot/panopticon";

const FOLDER = join(import.meta.dirname, "installer");

/** The installer's scripts by their names on a stick. */
export const INSTALLER_SCRIPTS = ["look.sh", "choose.sh", "install.sh"] as const;

/** The text of one of the installer's scripts. */
export function installerScript(name: string): Promise<string> {
  return readFile(join(FOLDER, name), "utf8");
}

/** Where one of them lies; for tests that run it. */
export function installerPath(name: string): string {
  return join(FOLDER, name);
}

/**
 * Run with the root as $1 once all packages are installed. The second initrd is
 * the installer's: Debian's own with our scripts, so that it finds whatever
 * disk Debian finds.
 */
export const FINISH_SERVER = `
set -eu
export LC_ALL=C
work="$1/${SERVER_WORK}"
kernel=$(basename "$1"/boot/vmlinuz-*)
version=\${kernel#vmlinuz-}

dpkg-query --admindir="$1/var/lib/dpkg" -W -f '\${binary:Package}=\${Version}\\n' | sort > "$work/installed"
APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" xargs apt-cache show --no-all-versions < "$work/installed" > "$work/packages"

sed -i 's/^XENDOMAINS_SAVE=.*/XENDOMAINS_SAVE=""/' "$1/etc/default/xendomains"
while read -r verb unit; do
  chroot "$1" systemctl --quiet "$verb" "$unit"
done < "$work/units"

chmod 755 "$work/initramfs/hooks/panopticon"
chroot "$1" mkinitramfs -o "/boot/initrd.img-$version" "$version"
chroot "$1" mkinitramfs -d /${SERVER_WORK}/initramfs -o /${SERVER_WORK}/initrd.img "$version"
cp "$1/boot/$kernel" "$work/vmlinuz"
for module in isofs usb-storage ahci nvme; do
  chroot "$1" lsinitramfs /${SERVER_WORK}/initrd.img | grep -q "/$module\\.ko" || {
    echo "E: the installer's initrd has no module $module" >&2
    exit 1
  }
done

rm -f "$1/etc/apt/sources.list" "$1"/etc/apt/sources.list.d/0*
cp "$work/debian.sources" "$1/etc/apt/sources.list.d/debian.sources"
rm -f "$1"/etc/ssh/ssh_host_* "$1/etc/hostname" "$1/etc/resolv.conf" "$1"/etc/passwd- "$1"/etc/group- \\
  "$1"/etc/shadow- "$1"/etc/gshadow- "$1"/var/lib/dpkg/*-old
: > "$1/etc/machine-id"
rm -rf "$1/var/lib/systemd/random-seed" "$1/var/lib/systemd/credential.secret" "$1"/var/lib/apt/lists
mkdir -p "$1/var/lib/apt/lists"
find "$1/var/cache/apt" "$1/var/log" -type f -delete
`;
