#!/bin/sh
# What the installer's initrd has beside Debian's own: programs that look at disks and fill
# them. The installer itself is on the stick.
[ "$1" = prereqs ] && exit 0
. /usr/share/initramfs-tools/hook-functions
for program in /usr/sbin/sfdisk /usr/sbin/blkid /usr/sbin/lvm /usr/bin/lsblk /usr/bin/zstd; do
  copy_exec "$program"
done
# Under their own names these are busybox's already: a tar that cuts long names, and a
# mke2fs that makes nothing newer than ext2.
copy_exec /usr/bin/tar /usr/lib/panopticon/tar
copy_exec /usr/sbin/mke2fs /usr/lib/panopticon/mke2fs
mkdir -p "$DESTDIR/etc"
cp /etc/mke2fs.conf "$DESTDIR/etc/"
for module in isofs ext4 vfat nls_cp437 nls_ascii nls_iso8859-1 dm-mod uas usb-storage sd_mod sr_mod; do
  manual_add_modules "$module"
done
