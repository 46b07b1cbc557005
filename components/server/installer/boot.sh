# Sourced by the initrd's init where the kernel is booted with boot=panopticon.
mount_top() { :; }
mount_premount() { :; }
mount_bottom() { :; }
mountroot() {
  modprobe isofs
  modprobe dm-mod
  udevadm settle --timeout=30
  exec sh /panopticon/install.sh
}
