#!/bin/sh
# Installs a server on the disk that choose.sh names; asks nothing. Runs in the
# initrd, with the stick, seen as the device $1, mounted at /stick. What is cut
# off is done again from the start by the next boot: our mark on the disk says
# that it is ours and unfinished, and is changed last.
set -u
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
STICK=/stick
TARGET=/target
# Programs that are not busybox's.
OWN=/usr/lib/panopticon
MARK_SECTOR=2040

say() {
  for console in $(cat /sys/class/tty/console/active); do echo "panopticon: $*" >"/dev/$console"; done
}

# Shows why, and leaves everything as it is; the shell is for a person at the console.
stop() {
  say "$*"
  say "Nothing more is done. Here is a shell; \`reboot -f\` tries again."
  for console in $(cat /sys/class/tty/console/active); do
    while :; do
      setsid -c sh -i <"/dev/$console" >"/dev/$console" 2>&1
      sleep 1
    done &
  done
  wait
}

run() {
  "$@" >/run/last.log 2>&1 && return 0
  code=$?
  while read -r line; do say "  $line"; done </run/last.log
  stop "\`$*\` ended with $code. Mend it, or try again: what is half written is written anew."
}

# The whole device, where the stick is seen as a partition of it.
whole() {
  parent=$(lsblk -no PKNAME "$1" 2>/dev/null | head -n 1)
  if [ -n "$parent" ]; then echo "/dev/$parent"; else echo "$1"; fi
}

show_disks() {
  while IFS='|' read -r kind name bytes serial model _ words; do
    [ "$kind" = disk ] && say "  $name  $((bytes / 1000000000)) GB  serial ${serial:-none}  ${model:-unknown model}: $words"
  done <"$1"
}

# Writes our mark: the disk is $1's, for the server and stick of this run.
mark() {
  printf 'panopticon-usb %s %s %s\n' "$1" "$server" "$stick" >/run/mark
  truncate -s 512 /run/mark
  dd if=/run/mark of="$disk" bs=512 seek=$MARK_SECTOR conv=notrunc,fsync 2>/dev/null || stop "$disk can't be written"
}

part() {
  case $disk in *[0-9]) echo "${disk}p$1" ;; *) echo "$disk$1" ;; esac
}

# The card of the LAN: the one that the file names, else the first with a link.
find_card() {
  wanted_mac=$(cat $STICK/panopticon/mac)
  for card in /sys/class/net/*; do
    [ -e "$card/device" ] && ip link set "${card##*/}" up 2>/dev/null
  done
  tries=0
  while [ $tries -lt 20 ]; do
    for card in /sys/class/net/*; do
      [ -e "$card/device" ] || continue
      [ "$(cat "$card/type")" = 1 ] || continue
      mac=$(cat "$card/address")
      if [ -n "$wanted_mac" ]; then [ "$mac" = "$wanted_mac" ] && return 0
      elif [ "$(cat "$card/carrier" 2>/dev/null)" = 1 ]; then return 0; fi
    done
    tries=$((tries + 1))
    sleep 1
  done
  why="no network card has a link"
  [ -z "$wanted_mac" ] || why="no network card has the MAC $wanted_mac, which the file names"
  stop "nothing is written: $why. There are: $(cd /sys/class/net && for card in *; do [ -e "$card/device" ] && echo "$card $(cat "$card/address")"; done | tr '\n' ' ')"
}

device=$1
IFS='|' read -r _ server stick overwrite _ <$STICK/panopticon/wanted
say "installs $(cat $STICK/panopticon/name)"
sh $STICK/panopticon/look.sh "$(whole "$device")" >/run/list
say "the disks here:"
show_disks /run/list
sh $STICK/panopticon/choose.sh $STICK/panopticon/wanted /run/list >/run/choice
IFS='|' read -r verb group chosen </run/choice
[ "$verb" = system ] || stop "nothing is written: $group"
disk=/dev/$chosen
find_card
say "the network card is ${card##*/} ($mac)"
say "checking the stick"
(cd $STICK/panopticon && sha256sum -c -s sums) || stop "what the stick holds is damaged: write it once more. Nothing was written."

say "writing $chosen"
mark begun
run sfdisk --quiet --wipe always --wipe-partitions always --no-tell-kernel "$disk" <<TABLE
label: gpt
label-id: $server
start=1MiB, size=1MiB, type=21686148-6449-6E6F-744E-656564454649, name=panopticon-boot
size=256MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=panopticon-esp
size=$(cat $STICK/panopticon/system-mib)MiB, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name=panopticon-root
type=E6D6D379-F507-44C2-A23C-238F2A3DF928, name=panopticon-lvm
TABLE
run blockdev --rereadpt "$disk"
run udevadm settle --timeout=30
# Without what older boot loaders, such as a stick's, can't read.
run $OWN/mke2fs -q -F -t ext4 -O '^orphan_file,^metadata_csum_seed' "$(part 3)"
# With its type: that is by what the kernel finds the module.
run mount -t ext4 "$(part 3)" $TARGET
say "unpacking the system"
run $OWN/tar --zstd -xpf $STICK/panopticon/system.tar.zst -C $TARGET --numeric-owner --xattrs --xattrs-include='*'
run $OWN/tar -xpf $STICK/panopticon/seed.tar -C $TARGET --numeric-owner
for file in $TARGET/etc/systemd/network/*; do run sed -i "s/@CARD@/$mac/" "$file"; done

say "making it bootable"
for folder in dev proc sys run; do run mount --rbind /$folder $TARGET/$folder; done
run chroot $TARGET mkfs.vfat -F 32 "$(part 2)"
run mkdir -p $TARGET/boot/efi
run mount -t vfat "$(part 2)" $TARGET/boot/efi
uuid() { blkid -p -o value -s UUID "$1"; }
printf 'UUID=%s / ext4 errors=remount-ro 0 1\nUUID=%s /boot/efi vfat umask=0077 0 2\n' "$(uuid "$(part 3)")" "$(uuid "$(part 2)")" >$TARGET/etc/fstab
run chroot $TARGET grub-install --target=i386-pc "$disk"
run chroot $TARGET grub-install --target=x86_64-efi --efi-directory=/boot/efi --removable --no-nvram
run chroot $TARGET update-grub

say "making volume groups"
run chroot $TARGET pvcreate -q -ff -y "$(part 4)"
run chroot $TARGET vgcreate -q "$group" "$(part 4)"
while IFS='|' read -r verb name other <&3; do
  case $verb in
  group) run chroot $TARGET vgcreate -q "$name" "/dev/$other" ;;
  kept) say "$name: the volume group on $other stays as it is" ;;
  left) say "$name: left alone: $other" ;;
  esac
done 3</run/choice

mkdir -p $TARGET/boot/panopticon
for id in "$server" "$stick"; do : >"$TARGET/boot/panopticon/$id"; done
run umount $TARGET/boot/efi
for folder in run sys proc dev; do umount -l $TARGET/$folder; done
sync
umount $TARGET 2>/dev/null || run mount -o remount,ro $TARGET
mark done
say "done. The server starts from its disk now; the stick may be pulled out."
sync
sleep 2
reboot -f
