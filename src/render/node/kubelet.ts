/** The kubelet's unit and the drop-in kubeadm expects (kubernetes/release, 10-kubeadm.conf). */
import type { RenderedFile } from "#render/files.ts";
import { emitSystemd } from "../formats/systemd.ts";

/** What `kubeadm` writes when a node is set up. */
const CONFIG = "/var/lib/kubelet/config.yaml";

export function kubeletFiles(): RenderedFile[] {
  return [
    { path: "/etc/systemd/system/kubelet.service", content: unit(), mode: 0o644 },
    { path: "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf", content: dropIn(), mode: 0o644 },
  ];
}

function unit(): string {
  return emitSystemd([
    {
      name: "Unit",
      entries: [
        ["Description", "kubelet, the Kubernetes node agent"],
        ["Documentation", "https://kubernetes.io/docs/"],
        ["Wants", "containerd.service"],
        ["After", "network.target containerd.service"],
        // Before kubeadm has run there is nothing to start with: don't spin.
        ["ConditionPathExists", CONFIG],
        ["StartLimitIntervalSec", 0],
      ],
    },
    {
      name: "Service",
      entries: [
        ["ExecStart", { argv: ["/usr/local/bin/kubelet"] }],
        ["Restart", "always"],
        ["RestartSec", 1],
      ],
    },
    { name: "Install", entries: [["WantedBy", "multi-user.target"]] },
  ]);
}

function dropIn(): string {
  const kubeconfigs =
    "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf";
  return emitSystemd([
    {
      name: "Service",
      entries: [
        ["Environment", `"KUBELET_KUBECONFIG_ARGS=${kubeconfigs}"`],
        ["Environment", `"KUBELET_CONFIG_ARGS=--config=${CONFIG}"`],
        // A connection to an ECAM that died is given up after 8 s; client-go's own defaults take 45.
        ["Environment", "HTTP2_READ_IDLE_TIMEOUT_SECONDS=5"],
        ["Environment", "HTTP2_PING_TIMEOUT_SECONDS=3"],
        ["EnvironmentFile", "-/var/lib/kubelet/kubeadm-flags.env"],
        ["ExecStart", { argv: [] }],
        [
          "ExecStart",
          {
            argv: [
              "/usr/local/bin/kubelet",
              { variable: "KUBELET_KUBECONFIG_ARGS" },
              { variable: "KUBELET_CONFIG_ARGS" },
              { variable: "KUBELET_KUBEADM_ARGS" },
            ],
          },
        ],
      ],
    },
  ]);
}
