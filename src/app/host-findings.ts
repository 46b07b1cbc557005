/** Judges what is true of a box: could a lab run here, what lacks, why it is needed and how to get it. */
import { overlaps, toCidr } from "#base/ipv4.ts";
import { formatMiB } from "#base/units.ts";
import { type HostFacts, type KernelFeature, PROGRAMS } from "./host-facts.ts";

export interface HostFinding {
  /** Stable, such as `HOST_PROGRAM`. */
  readonly code: string;
  /** `missing` keeps a lab from running; `warning` does not. */
  readonly state: "ok" | "missing" | "warning";
  readonly subject: string;
  /** What was found. */
  readonly what: string;
  /** What the lab needs it for. */
  readonly why: string;
  /** How to get it; absent where all is well. */
  readonly fix?: string;
}

/** What the findings depend on besides the box. */
export interface LabNeeds {
  /** Name and LAN of every site the lab would make. */
  readonly sites: readonly { readonly name: string; readonly lan: string }[];
  /** Starts the names of the lab's own interfaces, whose routes are no clash. */
  readonly interfacePrefix: string;
}

/** Two sites of seven machines each; measured. */
const MEMORY_WANTED_MIB = 4096;
const MEMORY_LEAST_MIB = 2048;
/** Base root, images and binaries, with room to build them. */
const DISK_WANTED_GIB = 15;
const DISK_LEAST_GIB = 5;
const INOTIFY_WANTED = 1024;
const GO_WANTED = [1, 26] as const;
const CONTROLLERS = ["cpu", "cpuset", "memory", "pids"];

const KERNEL_WHY: Readonly<Record<KernelFeature, string>> = {
  bridge: "a site's LAN is a bridge",
  veth: "machines hang on the LAN by veth pairs",
  overlay: "all machines share one base root, with an overlay each",
  nf_tables: "routers and kube-proxy translate addresses with nftables",
  br_netfilter: "kube-proxy must see what passes between pods of one node",
};

/** Everything a lab depends on, in the order a person would mend it. */
export function judgeHost(facts: HostFacts, needs: LabNeeds): readonly HostFinding[] {
  return [
    linux(facts),
    root(facts),
    ...Object.entries(PROGRAMS).map(([program, from]) => programFinding(facts, program, from)),
    ...Object.entries(KERNEL_WHY).map(([name, why]) => kernel(facts, name as KernelFeature, why)),
    cgroup(facts),
    memory(facts),
    ...Object.entries(facts.diskGiB).map(([folder, free]) => disk(folder, free)),
    inotify(facts),
    go(facts),
    ...needs.sites.map((site) => route(facts, needs, site)),
  ];
}

/** Whether a lab could run: nothing is missing. */
export function couldRun(findings: readonly HostFinding[]): boolean {
  return findings.every((finding) => finding.state !== "missing");
}

function linux({ platform }: HostFacts): HostFinding {
  const base = { code: "HOST_LINUX", subject: "Linux", why: "machines are Linux containers", what: platform };
  if (platform === "linux") return { ...base, state: "ok" };
  return { ...base, state: "missing", fix: "run the lab on a Linux box; check, plan and render work here" };
}

function root(facts: HostFacts): HostFinding {
  const base = { code: "HOST_ROOT", subject: "root", why: "the lab makes machines, mounts and networks" };
  if (facts.root) return { ...base, state: "ok", what: "this is root" };
  return { ...base, state: "missing", what: "not root", fix: "run the command with sudo" };
}

function programFinding(facts: HostFacts, program: string, from: string): HostFinding {
  const base = { code: "HOST_PROGRAM", subject: program, why: "the lab's driver calls it" };
  if (!facts.missingPrograms.includes(program)) return { ...base, state: "ok", what: "found" };
  const fix = facts.debianLike
    ? `apt-get install ${from} (\`panopticon lab up --yes\` does it)`
    : `install the package that brings ${program} (Debian: ${from})`;
  return { ...base, state: "missing", what: "not on the path", fix };
}

function kernel(facts: HostFacts, name: KernelFeature, why: string): HostFinding {
  const base = { code: "HOST_KERNEL", subject: `kernel ${name}`, why };
  const has = facts.kernel[name];
  if (has) return { ...base, state: "ok", what: "there" };
  if (has === undefined) {
    return {
      ...base,
      state: "warning",
      what: "not tried",
      fix: "run doctor again as root, with ip and nft there",
    };
  }
  return { ...base, state: "missing", what: "absent", fix: `modprobe ${name}, or a kernel that has it` };
}

function cgroup({ cgroup: { version, controllers } }: HostFacts): HostFinding {
  const base = { code: "HOST_CGROUP", subject: "cgroup", why: "kubelet and containerd limit what runs" };
  const lacking = CONTROLLERS.filter((name) => !controllers.includes(name));
  if (version && lacking.length === 0) {
    return { ...base, state: "ok", what: `v${version} with ${CONTROLLERS.join(", ")}` };
  }
  const what = version ? `v${version} without ${lacking.join(", ")}` : "not mounted";
  return { ...base, state: "missing", what, fix: "boot a kernel with these controllers enabled" };
}

function memory({ memoryMiB }: HostFacts): HostFinding {
  return {
    code: "HOST_MEMORY",
    subject: "memory",
    ...measured(memoryMiB, MEMORY_LEAST_MIB, MEMORY_WANTED_MIB, "end what uses it, or give the box more"),
    what: `${formatMiB(memoryMiB)} available`,
    why: `two sites use about ${formatMiB(MEMORY_WANTED_MIB)}`,
  };
}

function disk(folder: string, free: number): HostFinding {
  return {
    code: "HOST_DISK",
    subject: `disk at ${folder}`,
    ...measured(
      free,
      DISK_LEAST_GIB,
      DISK_WANTED_GIB,
      "free some, or point XDG_CACHE_HOME and XDG_STATE_HOME elsewhere",
    ),
    what: `${free} GiB free`,
    why: `machines and components take up to ${DISK_WANTED_GIB} GiB`,
  };
}

function measured(
  value: number,
  least: number,
  wanted: number,
  fix: string,
): Pick<HostFinding, "state" | "fix"> {
  if (value >= wanted) return { state: "ok" };
  return { state: value < least ? "missing" : "warning", fix };
}

function inotify({ inotifyInstances }: HostFacts): HostFinding {
  const base = {
    code: "HOST_INOTIFY",
    subject: "inotify instances",
    what: `fs.inotify.max_user_instances is ${inotifyInstances}`,
    why: "all machines share it; from the fourth kubelet on 128 is too few",
  };
  if (inotifyInstances >= INOTIFY_WANTED) return { ...base, state: "ok" };
  return { ...base, state: "warning", fix: "nothing to do: `lab up` raises it and `lab down` puts it back" };
}

function go(facts: HostFacts): HostFinding {
  const base = {
    code: "HOST_GO",
    subject: "Go",
    why: "builds the components, only where their releases can't be downloaded",
  };
  const [major = 0, minor = 0] = (facts.go ?? "").split(".").map(Number);
  if (major > GO_WANTED[0] || (major === GO_WANTED[0] && minor >= GO_WANTED[1])) {
    return { ...base, state: "ok", what: facts.go ?? "" };
  }
  const fix = `where dl.k8s.io and github.com can't be reached, install Go ${GO_WANTED.join(".")} from https://go.dev/dl/`;
  return { ...base, state: "warning", what: facts.go ? `${facts.go} is older` : "not installed", fix };
}

function route(facts: HostFacts, needs: LabNeeds, site: LabNeeds["sites"][number]): HostFinding {
  const base = {
    code: "HOST_ROUTE",
    subject: `LAN of ${site.name}`,
    why: "the host reaches the site's machines through it",
  };
  const clash = facts.routes.find(
    ({ cidr, device }) =>
      !device.startsWith(needs.interfacePrefix) && overlaps(toCidr(cidr), toCidr(site.lan)),
  );
  if (!clash) return { ...base, state: "ok", what: `${site.lan} is free` };
  return {
    ...base,
    state: "missing",
    what: `${site.lan} overlaps the host's route to ${clash.cidr} (${clash.device})`,
    fix: "give the site another lan in the federation file",
  };
}
