#!/bin/sh
# What the installer's initrd has beside Debian's own: programs that look at disks and fill
# them. The installer itself is on the stick.
[ "$1" = prereqs ] && exit 0
. /usr/share/initramfs-tools/hook-functions
for program in /usr/sbin/sfdisk /usr/sbin/blkid /usr/sbin/mke2fs /usr/sbin/lvm /usr/bin/lsblk /usr/bin/zstd; do
  copy_exec "$program"
done
# Busybox puts its own tar in the place of this one, and that one cuts long names.
copy_exec /usr/bin/tar /usr/lib/panopticon/tar
mkdir -p "$DESTDIR/etc"
cp /etc/mke2fs.conf "$DESTDIR/etc/"
for module in isofs ext4 vfat nls_cp437 nls_ascii nls_iso8859-1 dm-mod uas usb-storage sd_mod sr_mod; do
  manual_add_modules "$module"
done
