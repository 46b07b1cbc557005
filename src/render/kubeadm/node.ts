/** NodeRegistration: how a machine appears as a Kubernetes node. */
import type { Platform } from "#render/files.ts";
import { HOST_NAME, address, refuse, word } from "../refuse.ts";
import type { Target } from "../target.ts";

export function nodeRegistration({ site, machine, platform }: Target): object {
  const labels = {
    "topology.kubernetes.io/region": site.name,
    // Whatever must outlive a server spreads over this.
    "topology.kubernetes.io/zone": machine.server,
  };
  return {
    name: word(machine.name, "kubeadm", HOST_NAME),
    criSocket: "unix:///run/containerd/containerd.sock",
    imagePullPolicy: "IfNotPresent",
    imagePullSerial: false,
    ...ignoredChecks(platform),
    kubeletExtraArgs: [
      { name: "node-ip", value: address(machine.address, machine.name) },
      { name: "node-labels", value: Object.entries(labels).map(label).join(",") },
    ],
  };
}

/** kubeadm writes these into one line of `key=value,…`; Kubernetes allows 63 characters in a value. */
function label([key, value]: [string, string]): string {
  if (/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/.test(value)) return `${key}=${value}`;
  throw refuse(
    "RENDER_BAD_LABEL",
    `${JSON.stringify(value)} can't be the value of the label ${key}`,
    "give it a name of at most 63 letters, digits, dots and dashes",
    "kubeadm",
  );
}

/** What a container can't have: memory, cpus, swap and modules are the box's. */
function ignoredChecks(platform: Platform): object {
  if (platform.ownKernel) return {};
  return {
    ignorePreflightErrors: [
      "SystemVerification",
      "Mem",
      "NumCPU",
      "Swap",
      "FileContent--proc-sys-net-bridge-bridge-nf-call-iptables",
    ],
  };
}
