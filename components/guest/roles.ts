/**
 * What a guest's image holds, by role: "only what the role needs". Every
 * package, kernel module and thing left out has its reason, so that the same
 * tables make the image, the command's output and the documentation.
 */
import type { DebianPackage, MaskedUnit } from "../packages.ts";

export const GUEST_SUITE = "trixie";

/**
 * The time that everything in an image has at the latest, in seconds: the day
 * Debian 13 came out. A constant, so that a newer snapshot of the archive with
 * the same packages gives the same image.
 */
export const EPOCH_S = Date.UTC(2025, 7, 9) / 1000;

/** A machine's roles, as the file and the plan call them. */
export const GUEST_ROLES = ["ecam", "controlplane", "worker"] as const;
export type GuestRole = (typeof GUEST_ROLES)[number];

/** Kernel modules by the beginning of their paths below `kernel/`, with what those need. */
export interface ModuleGroup {
  readonly paths: readonly string[];
  readonly reason: string;
}

export interface GuestRecipe {
  readonly what: string;
  /** On top of Debian's essential packages; what these depend on comes with them. */
  readonly packages: readonly DebianPackage[];
  /** What stays in the root file system; all of them where there is no list. */
  readonly modules?: readonly ModuleGroup[];
  /** Loaded by the initrd, by name. */
  readonly bootModules: readonly string[];
  /** Services that their packages enable and that wait for converge instead. */
  readonly disabled: readonly string[];
}

const COMMON: readonly DebianPackage[] = [
  { name: "systemd-sysv", reason: "service manager, systemd-networkd, journal, /sbin/init and poweroff" },
  { name: "systemd-timesyncd", reason: "a guest's clock runs apart from its server's" },
  { name: "udev", reason: "loads drivers of devices; the initrd and the root's growth want it" },
  { name: "initramfs-tools", reason: "makes the initrd; the kernel's package wants it" },
  { name: "e2fsprogs", reason: "makes this file system, and mends it when a boot finds it damaged" },
  { name: "openssh-server", reason: "how converge enters a machine" },
  { name: "iproute2", reason: "ip and ss: keepalived's and people's checks" },
  { name: "iputils-ping", reason: "the first question a person asks of a network" },
  { name: "procps", reason: "sysctl, ps, pkill" },
  {
    name: "dbus",
    reason: "networkctl, by which new routes come, and on nodes kubelet and runc talk to systemd over it",
  },
];

/** Boots as PV, PVH and (with drivers for Xen's devices) HVM guest; ext4 is built in. */
const CLOUD_KERNEL: DebianPackage = {
  name: "linux-image-cloud-amd64",
  reason: "kernel for guests only: a third of the full one, which has drivers for real devices",
};
const FULL_KERNEL: DebianPackage = {
  name: "linux-image-amd64",
  reason: "a worker may be given real devices: disks, network and graphics cards",
};

const NODE: readonly DebianPackage[] = [
  { name: "ca-certificates", reason: "trust for what a machine fetches; the API server's pods mount it" },
  { name: "curl", reason: "converge asks the local API server with it" },
  { name: "nftables", reason: "masquerade of pods" },
  { name: "iptables", reason: "kubelet's own chain and the portmap CNI plugin (host ports)" },
  { name: "conntrack", reason: "kubeadm's preflight wants it; kube-proxy's state can be read" },
  { name: "ethtool", reason: "kubeadm's preflight wants it" },
  { name: "socat", reason: "kubeadm's preflight wants it; kubectl port-forward through some runtimes" },
  { name: "runc", reason: "starts containers for containerd" },
  { name: "containernetworking-plugins", reason: "bridge, host-local, loopback, portmap" },
];

const GUEST_MODULES: ModuleGroup = {
  paths: ["drivers/block/xen-blkfront", "drivers/net/xen-netfront", "drivers/pci/xen-pcifront"],
  reason: "a guest's disk, network card and devices that are passed through",
};
const SOCKET_MODULES: ModuleGroup = {
  paths: [
    "net/ipv4/inet_diag",
    "net/ipv4/tcp_diag",
    "net/ipv4/udp_diag",
    "net/unix/unix_diag",
    "net/netlink/",
  ],
  reason: "ss shows sockets by them",
};

const CONTAINER_MODULES: readonly ModuleGroup[] = [
  { paths: ["fs/overlayfs/"], reason: "containers' file systems" },
  { paths: ["net/bridge/", "net/802/", "net/llc/", "drivers/net/veth"], reason: "the pods' network" },
  {
    paths: ["net/netfilter/", "net/ipv4/netfilter/", "net/ipv6/netfilter/"],
    reason: "kube-proxy, masquerade, host ports, network policies; ip_vs for kube-proxy's mode of that name",
  },
  { paths: ["net/sched/"], reason: "bandwidth limits of pods" },
  {
    paths: [
      "drivers/net/vxlan/",
      "drivers/net/dummy",
      "drivers/net/tun",
      "drivers/net/wireguard/",
      "net/ipv4/",
      "net/ipv6/",
    ],
    reason: "other pod networks: overlays, tunnels, encrypted links",
  },
];

const BOOT_MODULES = ["xen-blkfront", "xen-netfront"] as const;

/** The recipes. Nothing of a machine is in them: name, address and keys come with its seed. */
export const GUEST_RECIPES: Readonly<Record<GuestRole, GuestRecipe>> = {
  ecam: {
    what: "balances the API servers, holds the site's addresses, answers for its names",
    packages: [
      ...COMMON,
      CLOUD_KERNEL,
      { name: "haproxy", reason: "balances the API servers" },
      { name: "keepalived", reason: "holds the site's VIP" },
      { name: "knot", reason: "the site's name server" },
      { name: "knot-dnsutils", reason: "kdig: what a name server really answers; converge asks by it" },
      { name: "libstdc++6", reason: "the Node that converge brings for the steering of names needs it" },
    ],
    modules: [GUEST_MODULES, SOCKET_MODULES],
    bootModules: BOOT_MODULES,
    disabled: ["haproxy.service", "keepalived.service", "knot.service", "ssh.socket"],
  },
  controlplane: {
    what: "API server, controller manager, scheduler and etcd, brought by converge",
    packages: [...COMMON, CLOUD_KERNEL, ...NODE],
    modules: [GUEST_MODULES, SOCKET_MODULES, ...CONTAINER_MODULES],
    bootModules: BOOT_MODULES,
    disabled: ["ssh.socket"],
  },
  worker: {
    what: "runs the services' pods; may be given devices",
    packages: [...COMMON, FULL_KERNEL, ...NODE],
    bootModules: [...BOOT_MODULES, "xen-pcifront", "ext4", "crc32c"],
    disabled: ["ssh.socket"],
  },
};

/** Services that every guest starts. */
export const STARTED = ["ssh.service", "systemd-networkd.service"] as const;

/** Units that a guest must not start. */
export const GUEST_MASKED: readonly MaskedUnit[] = [
  { name: "getty.target", reason: "nobody logs in on the console: it is a log" },
  { name: "sshd-keygen.service", reason: "host keys are made by us and pinned" },
  { name: "systemd-firstboot.service", reason: "would wait for answers" },
  { name: "systemd-networkd-wait-online.service", reason: "converge waits for what it needs, boot does not" },
  { name: "dpkg-db-backup.timer", reason: "the package database never changes" },
  { name: "e2scrub_all.timer", reason: "wants volumes of LVM's, which guests don't see" },
  { name: "e2scrub_reap.service", reason: "likewise" },
];

/** What dpkg leaves out of a guest beside what the lab's machines lack too. */
export const GUEST_LEFT_OUT: readonly { readonly pattern: string; readonly reason: string }[] = [
  { pattern: "/usr/lib/udev/hwdb.d/*", reason: "names of devices for people; drivers are found without" },
  {
    pattern: "/usr/share/perl/*",
    reason: "only the SNMP library of keepalived wants Perl, and nobody asks by SNMP",
  },
  { pattern: "/usr/lib/*/perl/*", reason: "likewise; the small Perl that dpkg's scripts use stays" },
  { pattern: "/usr/lib/*/gconv/*", reason: "character sets other than UTF-8" },
  { pattern: "/usr/share/misc/pci.ids", reason: "names of devices for people" },
];

/** All that is known of one role's recipe, as data that a key can be made of. */
export function recipeData(role: GuestRole): object {
  return {
    suite: GUEST_SUITE,
    epoch: EPOCH_S,
    ...GUEST_RECIPES[role],
    started: STARTED,
    masked: GUEST_MASKED,
    leftOut: GUEST_LEFT_OUT,
  };
}
