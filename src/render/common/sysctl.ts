/** Kernel settings. `net.*` belongs to a network namespace, so the lab's containers have them too; others only where the kernel is the machine's own. */
import type { RenderedFile } from "#render/files.ts";
import { type SysctlEntry, emitModules, emitSysctl } from "../formats/lines.ts";
import type { Target } from "../target.ts";

export const SYSCTL_PATH = "/etc/sysctl.d/60-panopticon.conf";

const ECAM: readonly SysctlEntry[] = [
  // HAProxy binds the VIP on the ECAM that does not hold it, too.
  { key: "net.ipv4.ip_nonlocal_bind", value: 1 },
];

const NODE: readonly SysctlEntry[] = [
  { key: "net.ipv4.ip_forward", value: 1 },
  // Only there once br_netfilter is loaded.
  { key: "net.bridge.bridge-nf-call-iptables", value: 1, optional: true },
];

/** What kubelets ask for (`protectKernelDefaults`) and room for the watches of many containers. */
const NODE_OWN_KERNEL: readonly SysctlEntry[] = [
  { key: "vm.overcommit_memory", value: 1 },
  { key: "kernel.panic", value: 10 },
  { key: "kernel.panic_on_oops", value: 1 },
  { key: "fs.inotify.max_user_instances", value: 8192 },
  { key: "fs.inotify.max_user_watches", value: 1048576 },
];

/** The machine's kernel settings, by its role. */
export function sysctlFile({ machine, platform }: Target): RenderedFile {
  const node = [...NODE, ...(platform.ownKernel ? NODE_OWN_KERNEL : [])];
  return { path: SYSCTL_PATH, content: emitSysctl(machine.role === "ecam" ? ECAM : node), mode: 0o644 };
}

/** Kernel modules a node needs; a container can load none. */
export function modulesFiles({ platform }: Target): RenderedFile[] {
  if (!platform.ownKernel) return [];
  const content = emitModules(["overlay", "br_netfilter", "nf_conntrack"]);
  return [{ path: "/etc/modules-load.d/panopticon.conf", content, mode: 0o644 }];
}
