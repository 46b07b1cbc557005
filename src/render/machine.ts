/**
 * render: the plan's files. Pure: the same plan gives the same bytes, nothing is
 * read and no secret is written. Each format has an emitter that quotes, and
 * refuses what no quoting can carry.
 */
import type { MachinePlan, Plan, SitePlan } from "#plan/plan.ts";
import type { Platform, RenderedFile } from "#render/files.ts";
import { groundFiles } from "./common/ground.ts";
import { hostnameFile, hostsFile, resolvConfFile } from "./common/hosts.ts";
import { networkFile } from "./common/network.ts";
import { modulesFiles, sysctlFile } from "./common/sysctl.ts";
import { haproxyFile } from "./ecam/haproxy.ts";
import { keepalivedFiles } from "./ecam/keepalived.ts";
import { knotFiles } from "./ecam/knot.ts";
import { steeringFiles } from "./ecam/steering-unit.ts";
import { watchdogFiles } from "./ecam/watchdog-unit.ts";
import { controlplaneKubeadmFiles, joinFile } from "./kubeadm/kubeadm.ts";
import { stepFiles } from "./kubeadm/steps.ts";
import { cniFile } from "./node/cni.ts";
import { containerdFiles } from "./node/containerd.ts";
import { kubeletFiles } from "./node/kubelet.ts";
import { masqueradeFiles } from "./node/masquerade.ts";
import type { Target } from "./target.ts";

/** Every file of a machine, sorted by path. */
export function renderMachine(
  plan: Plan,
  site: SitePlan,
  machine: MachinePlan,
  platform: Platform,
): readonly RenderedFile[] {
  const target = { plan, site, machine, platform };
  return sortFiles([...commonFiles(target), ...ROLE_FILES[machine.role](target)]);
}

/** Files in the order of their paths, whatever the locale. */
export function sortFiles(files: readonly RenderedFile[]): readonly RenderedFile[] {
  return [...files].sort((left, right) => (left.path < right.path ? -1 : 1));
}

/** What a role adds to every machine's files. */
const ROLE_FILES = {
  ecam: ecamFiles,
  controlplane: controlplaneFiles,
  worker: workerFiles,
} as const;

function commonFiles(target: Target): RenderedFile[] {
  return [
    hostnameFile(target),
    hostsFile(target),
    resolvConfFile(target),
    networkFile(target),
    sysctlFile(target),
    ...groundFiles(target),
  ];
}

function ecamFiles(target: Target): RenderedFile[] {
  return [
    haproxyFile(target),
    ...keepalivedFiles(target),
    ...knotFiles(target),
    ...steeringFiles(target),
    ...watchdogFiles(target),
  ];
}

function controlplaneFiles(target: Target): RenderedFile[] {
  return [...nodeFiles(target), ...controlplaneKubeadmFiles(target)];
}

function workerFiles(target: Target): RenderedFile[] {
  return [...nodeFiles(target), joinFile(target)];
}

function nodeFiles(target: Target): RenderedFile[] {
  return [
    ...modulesFiles(target),
    ...containerdFiles(target),
    cniFile(target),
    ...masqueradeFiles(target),
    ...kubeletFiles(),
    ...stepFiles(target),
  ];
}
