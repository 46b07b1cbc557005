/**
 * The ground a container lacks at each boot: systemd-nspawn mounts the cgroup
 * controllers (v1) and /proc/sys read-only, which a kubelet and HAProxy can't
 * work on. Only in the lab; a Xen guest has a kernel of its own.
 */
import type { RenderedFile } from "#render/files.ts";
import { emitSystemd } from "../formats/systemd.ts";
import { VOLUME_FOLDERS } from "../node/volumes.ts";
import type { Target } from "../target.ts";
import { SYSCTL_PATH } from "./sysctl.ts";

const SCRIPT_PATH = "/usr/local/lib/panopticon/ground";

/** Fixed text, so that nothing from a plan is ever read by a shell. A plain remount fails as busy: hence `bind`. */
const SCRIPT = `#!/bin/sh
# Makes writable what a container gets read-only, then applies its own network settings. Safe to run again.
set -eu
while read -r _ point type options _; do
    case "$options" in ro,* | ro) ;; *) continue ;; esac
    case "$type:$point" in
        cgroup:*/systemd) ;;
        cgroup:/sys/fs/cgroup/* | *:/proc/sys | *:/proc/sys/net) mount -o remount,bind,rw "$point" ;;
    esac
done <<MOUNTS
$(cat /proc/self/mounts)
MOUNTS
`;
const SYSCTL = `exec /usr/lib/systemd/systemd-sysctl ${SYSCTL_PATH}\n`;

/** Whatever is a volume here; see `labVolumes`. */
function folders({ machine }: Target): string {
  const paths = machine.role === "worker" ? VOLUME_FOLDERS : [];
  return paths.map((path) => `mkdir -p ${path}\n`).join("");
}

/** The script and the unit that runs it before anything that needs the ground. */
export function groundFiles(target: Target): RenderedFile[] {
  if (target.platform.ownKernel) return [];
  return [
    { path: SCRIPT_PATH, content: SCRIPT + folders(target) + SYSCTL, mode: 0o755 },
    { path: "/etc/systemd/system/panopticon-ground.service", content: unit(), mode: 0o644 },
  ];
}

function unit(): string {
  return emitSystemd([
    {
      name: "Unit",
      entries: [
        ["Description", "Writable control groups and network settings"],
        ["DefaultDependencies", false],
        // Debian's own settings must meet a /proc/sys that is still read-only: it is the host's.
        ["After", "systemd-sysctl.service local-fs.target"],
        ["Before", "sysinit.target network-pre.target containerd.service kubelet.service haproxy.service"],
        ["Conflicts", "shutdown.target"],
      ],
    },
    {
      name: "Service",
      entries: [
        ["Type", "oneshot"],
        ["RemainAfterExit", true],
        ["ExecStart", { argv: [SCRIPT_PATH] }],
      ],
    },
    { name: "Install", entries: [["WantedBy", "sysinit.target"]] },
  ]);
}
