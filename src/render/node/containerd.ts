/** containerd 2 (configuration version 3) and its unit. */
import type { Platform, RenderedFile } from "#render/files.ts";
import { emitSystemd } from "../formats/systemd.ts";
import { type TomlTable, emitToml } from "../formats/toml.ts";
import type { Target } from "../target.ts";

/** The image every pod's network namespace is kept by; the version is the one containerd 2.4 and Kubernetes 1.36 name. */
const SANDBOX_IMAGE = "registry.k8s.io/pause:3.10.2";

export function containerdFiles({ platform }: Target): RenderedFile[] {
  return [
    { path: "/etc/containerd/config.toml", content: emitToml(configuration(platform)), mode: 0o644 },
    { path: "/etc/systemd/system/containerd.service", content: unit(platform), mode: 0o644 },
  ];
}

function configuration(platform: Platform): TomlTable {
  return {
    version: 3,
    plugins: {
      "io.containerd.cri.v1.images": {
        snapshotter: "overlayfs",
        stats_collect_period: 60,
        pinned_images: { sandbox: SANDBOX_IMAGE },
        registry: { config_path: "/etc/containerd/certs.d" },
      },
      "io.containerd.cri.v1.runtime": {
        // The kubelet measures by itself; containerd's own samples, one a second from every container, cost more than both.
        stats_collect_period: "1m",
        // Where a container lacks CAP_SYS_RESOURCE runc could not set it and every pod would fail.
        restrict_oom_score_adj: !platform.ownKernel,
        containerd: {
          default_runtime_name: "runc",
          runtimes: {
            runc: {
              runtime_type: "io.containerd.runc.v2",
              options: { BinaryName: "/usr/sbin/runc", SystemdCgroup: platform.cgroup === "v2" },
            },
          },
        },
        cni: {
          bin_dirs: [platform.cniBinDir],
          conf_dir: "/etc/cni/net.d",
          // Brings a pod's loopback up without running a plugin for it.
          use_internal_loopback: true,
        },
      },
    },
  };
}

function unit(platform: Platform): string {
  return emitSystemd([
    {
      name: "Unit",
      entries: [
        ["Description", "containerd container runtime"],
        ["Documentation", "https://containerd.io"],
        ["After", "network.target dbus.service panopticon-masquerade.service"],
      ],
    },
    {
      name: "Service",
      entries: [
        ["Type", "notify"],
        ["ExecStart", { argv: ["/usr/local/bin/containerd"] }],
        // Containers outlive a restart of the runtime.
        ["KillMode", "process"],
        ["Delegate", true],
        ["Restart", "always"],
        ["RestartSec", 1],
        // It waits for what never comes; its databases survive being killed, and containers don't notice.
        ["TimeoutStopSec", 5],
        ["TasksMax", "infinity"],
        ...(platform.ownKernel ? ([["OOMScoreAdjust", -999]] as const) : []),
      ],
    },
    { name: "Install", entries: [["WantedBy", "multi-user.target"]] },
  ]);
}
