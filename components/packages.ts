/**
 * What the base root of every lab machine holds: the "trimmed Debian". Each
 * package has its reason; what only one role needs is said, since all machines
 * share one root on disk and in memory.
 */

export interface DebianPackage {
  readonly name: string;
  readonly reason: string;
}

/** On top of Debian's essential packages and apt (mmdebstrap's minbase), without recommended packages. */
export const PACKAGES: readonly DebianPackage[] = [
  { name: "systemd", reason: "service manager, systemd-networkd, journal" },
  { name: "systemd-sysv", reason: "/sbin/init and poweroff" },
  { name: "dbus", reason: "kubelet and runc talk to systemd over it where cgroups are v2" },
  { name: "openssh-server", reason: "how converge enters a machine" },
  { name: "ca-certificates", reason: "trust for what a machine fetches; the API server's pods mount it" },
  { name: "curl", reason: "health checks by hand and by keepalived's script" },
  { name: "iproute2", reason: "ip and ss: networkd's state, kubeadm's and people's checks" },
  { name: "iputils-ping", reason: "the first question a person asks of a network" },
  { name: "kmod", reason: "kubelet and containerd ask modprobe for overlay and br_netfilter" },
  { name: "procps", reason: "sysctl, ps" },
  { name: "mount", reason: "kubelet mounts volumes with it" },
  { name: "nftables", reason: "masquerade of pods; also kube-proxy's image is made from it" },
  { name: "iptables", reason: "kubelet's own chain and the portmap CNI plugin (host ports)" },
  { name: "conntrack", reason: "kubeadm's preflight wants it; kube-proxy's state can be read" },
  { name: "ethtool", reason: "kubeadm's preflight wants it" },
  {
    name: "socat",
    reason: "kubectl port-forward through runtimes that use it; kubeadm's preflight wants it",
  },
  { name: "runc", reason: "starts containers for containerd" },
  { name: "containernetworking-plugins", reason: "bridge, host-local, loopback, portmap" },
  { name: "haproxy", reason: "ECAM: balances the API servers" },
  { name: "keepalived", reason: "ECAM: holds the site's VIP" },
  { name: "knot", reason: "ECAM: the site's name server" },
  { name: "knot-dnsutils", reason: "kdig: what a name server really answers" },
];

export interface MaskedUnit {
  readonly name: string;
  readonly reason: string;
}

/** Units that a lab machine must not start. */
export const MASKED_UNITS: readonly MaskedUnit[] = [
  { name: "console-getty.service", reason: "nobody logs in on the console: it is a log" },
  { name: "getty.target", reason: "no terminals in a container" },
  { name: "systemd-modules-load.service", reason: "a container can't load modules: the host has them" },
  { name: "systemd-udevd.service", reason: "devices are the host's" },
  { name: "sshd-keygen.service", reason: "host keys are made by us and pinned" },
  { name: "systemd-firstboot.service", reason: "would wait for answers" },
  { name: "systemd-networkd-wait-online.service", reason: "converge waits for what it needs, boot does not" },
  { name: "sys-kernel-config.mount", reason: "not permitted in a container" },
  { name: "sys-kernel-debug.mount", reason: "the host's" },
  { name: "sys-kernel-tracing.mount", reason: "the host's" },
  { name: "proc-sys-fs-binfmt_misc.automount", reason: "the host's" },
  { name: "systemd-logind.service", reason: "nobody logs in but converge; 4 s of a busy box's boot" },
  { name: "systemd-user-sessions.service", reason: "no users" },
  { name: "systemd-network-generator.service", reason: "no kernel command line to read networks from" },
  { name: "systemd-journal-catalog-update.service", reason: "the catalog is not read here" },
  { name: "systemd-sysusers.service", reason: "the root has all users it will have" },
  { name: "systemd-tmpfiles-setup-dev-early.service", reason: "devices are the host's" },
  { name: "systemd-tmpfiles-setup-dev.service", reason: "devices are the host's" },
  { name: "systemd-remount-fs.service", reason: "no fstab" },
  { name: "systemd-journal-flush.service", reason: "the journal stays in memory" },
  { name: "systemd-networkd-persistent-storage.service", reason: "nothing is learnt by DHCP" },
  { name: "systemd-update-done.service", reason: "the root is never updated in place" },
  { name: "systemd-update-utmp.service", reason: "nobody reads who was logged in" },
  { name: "systemd-random-seed.service", reason: "the kernel's randomness is the host's" },
  { name: "ldconfig.service", reason: "the linker's cache was made with the root" },
  { name: "modprobe@.service", reason: "a container can't load modules: the host has them" },
  { name: "dev-hugepages.mount", reason: "the host's" },
  { name: "dev-mqueue.mount", reason: "containers get their own" },
  { name: "run-lock.mount", reason: "/run is a tmpfs already" },
  { name: "systemd-tmpfiles-clean.timer", reason: "machines hold no temporary files worth a walk" },
  { name: "apt-daily.timer", reason: "machines are replaced, not upgraded in place" },
  { name: "apt-daily-upgrade.timer", reason: "machines are replaced, not upgraded in place" },
  { name: "dpkg-db-backup.timer", reason: "the package database never changes" },
  { name: "e2scrub_all.timer", reason: "no file system of its own" },
  { name: "e2scrub_reap.service", reason: "no file system of its own" },
  { name: "fstrim.timer", reason: "no disk of its own" },
  { name: "logrotate.timer", reason: "the journal has a size limit" },
];

/** Services that their packages enable and that wait for converge instead. */
export const DISABLED_SERVICES = [
  "haproxy.service",
  "keepalived.service",
  "knot.service",
  "ssh.socket",
] as const;

export const ENABLED_SERVICES = ["ssh.service", "systemd-networkd.service"] as const;

/** What dpkg leaves out: half of a small root is text that no machine reads. Copyright files stay. */
export const LEFT_OUT = [
  "/usr/share/man/*",
  "/usr/share/info/*",
  "/usr/share/locale/*",
  "/usr/share/doc/*",
  "/usr/share/lintian/*",
  "/usr/share/bash-completion/*",
  "/usr/share/zsh/*",
] as const;

export const KEPT_ALL_THE_SAME = ["/usr/share/doc/*/copyright"] as const;
