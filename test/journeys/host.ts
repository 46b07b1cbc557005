/** What a lab could leave on the host: compared before and after, so that `down` is held to its word. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "#base/process.ts";

export interface HostPicture {
  readonly namespaces: readonly string[];
  readonly links: readonly string[];
  readonly routes: readonly string[];
  readonly mounts: readonly string[];
  readonly tables: readonly string[];
  readonly cgroups: readonly string[];
  readonly nspawn: readonly string[];
  readonly settings: readonly string[];
  readonly processes: readonly string[];
}

const SETTINGS = ["fs/inotify/max_user_instances", "fs/inotify/max_user_watches", "net/ipv4/ip_forward"];
/** Programs that run only inside machines or for them. */
const LAB_PROGRAMS =
  /^(systemd-nspawn|systemd|kubelet|kube-.*|etcd|containerd.*|haproxy|keepalived|coredns|kube)$/;

export async function hostPicture(): Promise<HostPicture> {
  return {
    namespaces: await lines(["ip", "netns", "list"]),
    links: (await lines(["ip", "-brief", "link"])).map((line) => line.split(" ")[0] ?? ""),
    routes: await lines(["ip", "route", "show", "table", "all"]),
    mounts: readFileSync("/proc/mounts", "utf8").split("\n").filter(Boolean),
    tables: await lines(["nft", "list", "tables"]),
    cgroups: cgroupFolders(),
    nspawn: folder("/run/systemd/nspawn/propagate"),
    settings: SETTINGS.map((key) => `${key}=${readFileSync(join("/proc/sys", key), "utf8").trim()}`),
    processes: labProcesses(),
  };
}

async function lines(argv: readonly string[]): Promise<readonly string[]> {
  return (await mustRun("TEST_HOST", argv)).split("\n").filter(Boolean).sort();
}

function cgroupFolders(): readonly string[] {
  return folder("/sys/fs/cgroup").flatMap((one) =>
    folder(join("/sys/fs/cgroup", one)).filter((two) => two === "panopticon"),
  );
}

function folder(path: string): readonly string[] {
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
}

function labProcesses(): readonly string[] {
  return folder("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const state = readFileSync(`/proc/${pid}/stat`, "utf8");
        const name = state.slice(state.indexOf("(") + 1, state.lastIndexOf(")"));
        const dead = state.slice(state.lastIndexOf(")") + 2).startsWith("Z");
        return LAB_PROGRAMS.test(name) && !dead ? [`${pid} ${name}`] : [];
      } catch {
        return []; // it ended while we looked
      }
    });
}
