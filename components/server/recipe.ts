/**
 * What a server's system holds: Debian with Xen as Debian ships it, the programs
 * that the driver calls, and what real hardware wants. Every package has its
 * reason. What a server is called and where it stands comes with its stick.
 */
import type { DebianPackage } from "../packages.ts";

export const SERVER_SUITE = "trixie";

/** The dom0's own partition, in MiB: its system, two kernels, and the guests' images that apply brings. */
export const SYSTEM_MIB = 16 * 1024;

/** What else of the disk is not for machines, in MiB: tables, boot loaders, rounding. */
export const OVERHEAD_MIB = 272;

/** Parts of Debian's archive that packages come from; the firmware of network cards and processors is in the second. */
export const SERVER_COMPONENTS = ["main", "non-free-firmware"] as const;

export const SERVER_PACKAGES: readonly DebianPackage[] = [
  { name: "linux-image-amd64", reason: "dom0's kernel, with drivers for real devices" },
  { name: "xen-system-amd64", reason: "the hypervisor and its tools" },
  { name: "qemu-system-xen", reason: "devices of guests that are given hardware (HVM)" },
  { name: "lvm2", reason: "machines' disks are volumes" },
  { name: "systemd-sysv", reason: "service manager, systemd-networkd, /sbin/init and poweroff" },
  { name: "systemd-timesyncd", reason: "guests begin with the server's clock" },
  { name: "udev", reason: "finds devices and loads their drivers" },
  { name: "dbus", reason: "networkctl, timedatectl" },
  { name: "openssh-server", reason: "how converge enters the server" },
  { name: "iproute2", reason: "the driver and people look at links by it" },
  { name: "bridge-utils", reason: "Xen's scripts put guests' cards into the bridge by it" },
  { name: "pciutils", reason: "lspci: devices that may be given to machines" },
  { name: "kmod", reason: "loads Xen's modules" },
  { name: "procps", reason: "sysctl, ps, pkill" },
  { name: "iputils-ping", reason: "the first question a person asks of a network" },
  { name: "ethtool", reason: "what a network card's link is" },
  { name: "nvme-cli", reason: "health of NVMe disks" },
  { name: "smartmontools", reason: "health of disks" },
  { name: "less", reason: "journalctl shows its pages by it" },
  { name: "nano", reason: "a person who mends a file at the console" },
  { name: "e2fsprogs", reason: "dom0's file system" },
  { name: "dosfstools", reason: "makes and checks the EFI system partition" },
  { name: "fdisk", reason: "sfdisk writes the table of partitions" },
  { name: "grub2-common", reason: "grub-install and update-grub" },
  { name: "grub-pc-bin", reason: "boots where the firmware is a BIOS" },
  { name: "grub-efi-amd64-bin", reason: "boots where the firmware is UEFI" },
  { name: "initramfs-tools", reason: "makes the initrd, and the installer's" },
  { name: "busybox", reason: "the installer's shell and small programs" },
  { name: "zstd", reason: "packs the initrds, unpacks the system" },
  { name: "ca-certificates", reason: "trust for what the server fetches" },
  { name: "intel-microcode", reason: "mends processors; Xen loads it early" },
  { name: "amd64-microcode", reason: "likewise" },
  { name: "firmware-realtek", reason: "network cards of many small boxes" },
  { name: "firmware-bnx2", reason: "network cards of many older servers" },
  { name: "firmware-bnx2x", reason: "likewise, at 10 Gbit/s" },
  { name: "firmware-misc-nonfree", reason: "network cards and disk controllers of other makers" },
];

/** Services that a server starts beside those that their packages enable. */
export const SERVER_STARTED = [
  "ssh.service",
  "systemd-networkd.service",
  "systemd-timesyncd.service",
] as const;

/** Units that a server must not start. */
export const SERVER_MASKED = [
  { name: "sshd-keygen.service", reason: "its host key is made by us and pinned" },
  { name: "systemd-firstboot.service", reason: "would wait for answers" },
  {
    name: "systemd-networkd-wait-online.service",
    reason: "a server without a link still starts its machines",
  },
] as const;

/** Modules that are loaded when a server boots: what its guests' devices are served by, and what holds those that are passed through. */
export const SERVER_MODULES = [
  "xen-netback",
  "xen-blkback",
  "xen-gntdev",
  "xen-evtchn",
  "xen-pciback",
  "tun",
  "loop",
  "bridge",
  "dm-mod",
] as const;
