/**
 * The fixed scripts that make an image of an installed Debian. What differs by
 * role they read from files below /boot/panopticon, which is not part of the
 * image; nothing is ever put into their text.
 */

/** Where a role's settings lie while its image is made, and what is written for us to take. */
export const WORK = "boot/panopticon";

/** What mmdebstrap runs of it; its own text would fill the messages of a failure. */
export const FINISH_HOOK = `sh "$1/${WORK}/finish" "$1"`;

/**
 * Run with the root as $1 once all packages are installed.
 * The module list of depmod names for each module all that it needs, so one
 * look-up gives what has to stay.
 */
export const FINISH = `
set -eu
export LC_ALL=C
work="$1/${WORK}"
kernel=$(basename "$1"/boot/vmlinuz-*)
version=\${kernel#vmlinuz-}

dpkg-query --admindir="$1/var/lib/dpkg" -W -f '\${binary:Package}=\${Version}\\n' | sort > "$work/installed"
APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" xargs apt-cache show --no-all-versions < "$work/installed" > "$work/packages"

cd "$1/usr/lib/modules/$version"
if [ -s "$work/modules" ]; then
  while read -r pattern; do
    grep -qE "$pattern" modules.dep || grep -qE "$pattern" modules.builtin || {
      echo "E: the kernel $version has no module $pattern" >&2
      exit 1
    }
  done < "$work/modules"
  grep -E -f "$work/modules" modules.dep | tr -d : | tr ' ' '\\n' | sed '/^$/d' | sort -u > "$work/kept"
  find kernel -type f | sort | comm -23 - "$work/kept" | xargs -r rm --
  find kernel -type d -empty -delete
  chroot "$1" depmod "$version"
fi
cd /
chroot "$1" mkinitramfs -o /${WORK}/initrd.img "$version"
mv "$1/boot/$kernel" "$work/vmlinuz"
mv "$1/boot/config-$version" "$work/config"

while read -r verb unit; do
  chroot "$1" systemctl --quiet "$verb" "$unit"
done < "$work/units"

rm -f "$1"/vmlinuz* "$1"/initrd.img* "$1"/etc/ssh/ssh_host_* "$1/etc/hostname" "$1/etc/resolv.conf" "$1"/etc/passwd- "$1"/etc/group- \\
  "$1"/etc/shadow- "$1"/etc/gshadow- "$1"/etc/subuid- "$1"/etc/subgid- "$1"/var/lib/dpkg/*-old
rm -rf "$1/var/lib/systemd/catalog" "$1/var/lib/systemd/random-seed" "$1/var/lib/systemd/credential.secret"
find "$1/var/cache" "$1/var/log" "$1/var/tmp" -type f -delete
`;

/**
 * Makes the file system: $1 the tar, $2 a folder that is not there yet, $3 the
 * packed image to write, $4 and $5 two UUIDs, for the file system and for its
 * hashes of names. The new system's own mke2fs does it, whatever version the
 * host has: it knows SOURCE_DATE_EPOCH and walks folders in the order of their
 * names. Prints the bytes of all files (those linked twice once) and the size of the file system.
 */
export const MAKE_FILE_SYSTEM = `
set -eu
export LC_ALL=C
mkdir "$2"
tar -xpf "$1" -C "$2" --numeric-owner --exclude='./boot/*' --exclude='./dev/*' \\
  --exclude=./etc/apt --exclude=./var/lib/apt
set -- "$@" $(find "$2" -type f -printf '%i %s\\n' | awk '!($1 in seen) { seen[$1]; n++; b += int(($2 + 4095) / 4096) * 4096 } END { printf "%d %d", b, n }')
journal=32
size=$(( (($6 / 1048576 + $7 * 512 / 1048576) * 110 / 100 + journal + 16 + 15) / 16 * 16 ))
loader=$(echo "$2"/lib64/ld-linux-x86-64.so.2)
libraries=$2/usr/lib/x86_64-linux-gnu
MKE2FS_CONFIG=$2/etc/mke2fs.conf "$loader" --library-path "$libraries" "$2/usr/sbin/mke2fs" -q -F -t ext4 -b 4096 -I 256 -i 16384 \\
  -m 1 -J "size=$journal" -O '^orphan_file,^metadata_csum_seed' -U "$4" -E "hash_seed=$5,root_owner=0:0" -d "$2" "$3.raw" "\${size}M"
gzip -n -6 -c "$3.raw" > "$3"
rm -rf "$3.raw" "$2"
echo "$6 $size"
`;
