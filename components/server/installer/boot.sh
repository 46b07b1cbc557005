# Sourced by the initrd's init where the kernel is booted with boot=panopticon.
# Finds the stick by the name of its file system, and goes on with what is on it.
mount_top() { :; }
mount_premount() { :; }
mount_bottom() { :; }
mountroot() {
  modprobe isofs
  modprobe dm-mod
  udevadm settle --timeout=30
  label=$(sed -n 's/.*panopticon\.stick=\([^ ]*\).*/\1/p' /proc/cmdline)
  mkdir -p /stick /target
  tries=0
  while [ $tries -lt 60 ]; do
    # Each device by itself: blkid's own search passes over a disk that has
    # partitions, and one of the stick's, for other firmware, bears the same name.
    for path in /sys/class/block/*; do
      device=/dev/${path##*/}
      [ "$(blkid -p -o value -s LABEL "$device" 2>/dev/null)" = "$label" ] || continue
      mount -t iso9660 -o ro "$device" /stick 2>/dev/null && exec sh /stick/panopticon/install.sh "$device"
    done
    tries=$((tries + 1))
    sleep 1
  done
  panic "panopticon: the stick (label $label) is not seen: no driver for what it hangs on? Seen: $(ls /sys/block | tr '\n' ' ')"
}
