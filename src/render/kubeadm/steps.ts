/**
 * kubeadm's steps as units of the machine, so that a step goes to its end when
 * the program that asked for it dies, and starting it again just waits for it.
 * None is installed: a reboot starts no step.
 */
import type { RenderedFile } from "#render/files.ts";
import { emitSystemd, type SystemdEntry } from "../formats/systemd.ts";
import type { Target } from "../target.ts";

const KUBEADM = "/usr/local/bin/kubeadm";
/** Exists once kubeadm went to its end here; `converge` looks at it. */
export const DONE_MARK = "/etc/panopticon/kubeadm-done";

/** The steps a node's role may need; a worker never starts a cluster. */
export function stepFiles({ machine }: Target): RenderedFile[] {
  const join = step("join", [KUBEADM, "join", "--config=/etc/panopticon/kubeadm-join.yaml"]);
  const init = step("init", [KUBEADM, "init", "--config=/etc/panopticon/kubeadm-init.yaml"]);
  return machine.role === "controlplane" ? [init, join, resetStep()] : [join, resetStep()];
}

function step(name: string, argv: readonly string[]): RenderedFile {
  return unit(name, [
    ["ExecStart", { argv }],
    ["ExecStartPost", { argv: ["/usr/bin/touch", DONE_MARK] }],
  ]);
}

/** What kubeadm leaves to the person is done too: an etcd directory that holds anything stops the next join. */
function resetStep(): RenderedFile {
  const folders = ["/var/lib/etcd", "/var/lib/kubelet"];
  const clean = ["/usr/bin/find", ...folders, "-mindepth", "1", "-delete"];
  return unit("reset", [
    ["ExecStart", { argv: [KUBEADM, "reset", "--force"] }],
    // A step cut off early, or a worker, has not made both; `find` fails over one that is missing.
    ["ExecStart", { argv: ["/usr/bin/mkdir", "-p", ...folders] }],
    ["ExecStart", { argv: clean }],
    ["ExecStart", { argv: ["/usr/bin/rm", "-f", DONE_MARK] }],
  ]);
}

function unit(name: string, entries: readonly SystemdEntry[]): RenderedFile {
  const content = emitSystemd([
    {
      name: "Unit",
      entries: [
        ["Description", `kubeadm ${name}`],
        ["After", "containerd.service network.target"],
        ["Requires", "containerd.service"],
      ],
    },
    {
      name: "Service",
      entries: [
        ["Type", "oneshot"],
        ["Environment", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"],
        ["TimeoutStartSec", 600],
        ...entries,
      ],
    },
  ]);
  return { path: `/etc/systemd/system/panopticon-${name}.service`, content, mode: 0o644 };
}
