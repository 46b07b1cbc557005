/**
 * kubeadm's files (kubeadm.k8s.io/v1beta4). Every control plane has both, the
 * one that begins a cluster and the one that joins it: which is used is decided
 * by what runs, not by the plan. CAs and keys are made before `init` and
 * brought to /etc/kubernetes/pki, so none of these files holds a secret.
 */
import type { RenderedFile } from "#render/files.ts";
import { emitYaml } from "../formats/data.ts";
import type { Target } from "../target.ts";
import { clusterConfiguration } from "./cluster.ts";
import { kubeletConfiguration, kubeletPatch } from "./kubelet.ts";
import { nodeRegistration } from "./node.ts";
import { proxyConfiguration } from "./proxy.ts";

const API_VERSION = "kubeadm.k8s.io/v1beta4";

/** What `kubeadm` changes in the files it makes, on control planes only. */
const PATCHES = "/etc/panopticon/patches";

/** A kubeconfig with a client certificate of one hour, written just before the join. */
const BOOTSTRAP = "/etc/panopticon/bootstrap.conf";

/** A control plane's files: init, join and the patch to its kubelet's settings. */
export function controlplaneKubeadmFiles(target: Target): RenderedFile[] {
  const { platform, site } = target;
  const documents = [
    { apiVersion: API_VERSION, kind: "InitConfiguration", ...initConfiguration(target) },
    { apiVersion: API_VERSION, kind: "ClusterConfiguration", ...clusterConfiguration(target) },
    kubeletConfiguration(platform, site),
    proxyConfiguration(platform, site),
  ];
  return [
    { path: "/etc/panopticon/kubeadm-init.yaml", content: emitYaml(documents), mode: 0o644 },
    joinFile(target),
    { path: `${PATCHES}/kubeletconfiguration+merge.yaml`, content: emitYaml([kubeletPatch()]), mode: 0o644 },
  ];
}

/** The file a node joins by. */
export function joinFile(target: Target): RenderedFile {
  const controlplane = {
    controlPlane: { localAPIEndpoint: localEndpoint(target) },
    patches: { directory: PATCHES },
  };
  const join = {
    apiVersion: API_VERSION,
    kind: "JoinConfiguration",
    discovery: { file: { kubeConfigPath: BOOTSTRAP } },
    nodeRegistration: nodeRegistration(target),
    ...(target.machine.role === "controlplane" ? controlplane : {}),
  };
  return { path: "/etc/panopticon/kubeadm-join.yaml", content: emitYaml([join]), mode: 0o644 };
}

function initConfiguration(target: Target): object {
  return {
    localAPIEndpoint: localEndpoint(target),
    nodeRegistration: nodeRegistration(target),
    patches: { directory: PATCHES },
  };
}

/** Where this machine's own API server listens. */
function localEndpoint({ machine, site }: Target): object {
  return { advertiseAddress: machine.address, bindPort: site.endpoint.port };
}
