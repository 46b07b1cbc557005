/** The look at a host that is to carry machines: one command, whether Xen runs there yet or not. */
import { LOOK_AT_INFO, LOOK_AT_NEEDED, LOOK_AT_XENDOMAINS, sectionScript } from "../sections.ts";

/** Programs that the driver calls on its servers, and the Debian package that brings each. */
export const SERVER_PROGRAMS: Readonly<Record<string, string>> = {
  ip: "iproute2",
  lspci: "pciutils",
  lsblk: "util-linux",
  flock: "util-linux",
  vgs: "lvm2",
  tar: "tar",
  gzip: "gzip",
};

/** Any one of them keeps the clock. */
const TIME_SERVICES = "systemd-timesyncd chrony ntpsec ntp openntpd";

/** Xen hides its own IOMMU's table from dom0 by renaming it: DMAR (Intel) becomes XMAR. AMD's is IVRS. */
const IOMMU_TABLES = "DMAR XMAR IVRS";

const VOLUMES = "--reportformat json --units b --nosuffix";

/** Takes no arguments: nothing that a person typed is read by a shell. Written for Debian 12 and later. */
export const HOST_SCRIPT = `export LC_ALL=C${sectionScript({
  user: "id -u",
  hostname: "uname -n",
  release: "cat /etc/os-release 2>/dev/null",
  xen: `
echo "type $(cat /sys/hypervisor/type 2>/dev/null)"
echo "capabilities $(cat /proc/xen/capabilities 2>/dev/null)"
for one in /boot/xen-*.gz /boot/xen-*.efi; do [ -e "$one" ] && echo "installed $one"; done`,
  info: LOOK_AT_INFO,
  programs: `for one in ${Object.keys(SERVER_PROGRAMS).join(" ")}; do command -v "$one" >/dev/null || echo "$one"; done`,
  boot: `
command -v update-grub >/dev/null && echo "can update-grub"
grep -sE '^[[:space:]]*(multiboot2?|xen_hypervisor)[[:space:]].*/xen' /boot/grub/grub.cfg | head -n 1`,
  links: "ip -j -d address 2>/dev/null",
  routes: "ip -j -4 route show default 2>/dev/null",
  session: `printf '%s\\n' "\${SSH_CONNECTION:-}"`,
  cards: `
for one in /sys/class/net/*; do
  [ -e "$one/device" ] && echo "\${one##*/} $(readlink -f "$one/device")"
done`,
  network: `
systemctl is-active --quiet systemd-networkd 2>/dev/null && echo systemd-networkd
systemctl is-active --quiet NetworkManager 2>/dev/null && echo NetworkManager
grep -qsE '^[[:space:]]*iface[[:space:]]+[^[:space:]]+[[:space:]]' /etc/network/interfaces /etc/network/interfaces.d/* &&
  grep -hsE '^[[:space:]]*iface[[:space:]]' /etc/network/interfaces /etc/network/interfaces.d/* |
  grep -qvE 'iface[[:space:]]+lo[[:space:]]' && echo ifupdown`,
  groups: `vgs ${VOLUMES} -o vg_name,vg_size,vg_free 2>/dev/null`,
  volumes: `lvs ${VOLUMES} -o vg_name,lv_name,lv_size,lv_tags 2>/dev/null`,
  physical: `pvs ${VOLUMES} -o pv_name,vg_name 2>/dev/null`,
  disks: "lsblk -J -b -o NAME,PATH,TYPE,SIZE,MODEL,SERIAL,ROTA,RM,RO,FSTYPE,PTTYPE,MOUNTPOINTS 2>/dev/null",
  paths: `
for one in /dev/disk/by-id/*; do [ -e "$one" ] && echo "$(readlink -f "$one") $one"; done`,
  needed: LOOK_AT_NEEDED,
  devices: "lspci -Dmmnn 2>/dev/null",
  screen: `
for one in /sys/bus/pci/devices/*; do
  [ "$(cat "$one/boot_vga" 2>/dev/null)" = 1 ] && echo "\${one##*/}"
done`,
  iommu: `
for one in ${IOMMU_TABLES}; do [ -e "/sys/firmware/acpi/tables/$one" ] && echo "table $one"; done
for one in /sys/kernel/iommu_groups/*/devices/*; do
  [ -e "$one" ] && group=\${one%/devices/*} && echo "group \${group##*/} \${one##*/}"
done`,
  pciback: `
[ -d /sys/bus/pci/drivers/pciback ] && echo loaded
modinfo xen-pciback >/dev/null 2>&1 && echo there
grep -qsxE 'xen[-_]pciback' /etc/modules /etc/modules-load.d/*.conf && echo at-boot`,
  xendomains: `${LOOK_AT_XENDOMAINS}
systemctl is-enabled --quiet xendomains 2>/dev/null && echo enabled`,
  time: `
timedatectl show 2>/dev/null | grep -E '^NTPSynchronized='
[ -e /run/systemd/timesync/synchronized ] && echo NTPSynchronized=yes
for one in ${TIME_SERVICES}; do
  systemctl is-active --quiet "$one" 2>/dev/null && echo "active $one"
done
[ -e /lib/systemd/system/systemd-timesyncd.service ] && echo timesyncd`,
})}`;
