import { expect, test } from "vitest";
import { type HostFacts, readCgroup, readRoutes } from "./host-facts.ts";
import { couldRun, judgeHost } from "./host-findings.ts";

const READY: HostFacts = {
  platform: "linux",
  root: true,
  debianLike: true,
  missingPrograms: [],
  kernel: { bridge: true, veth: true, overlay: true, nf_tables: true, br_netfilter: true },
  cgroup: { version: 2, controllers: ["cpu", "cpuset", "io", "memory", "pids"] },
  memoryMiB: 8192,
  diskGiB: { "/state": 40 },
  inotifyInstances: 8192,
  go: "1.26.1",
  routes: [{ cidr: "192.168.1.0/24", device: "eth0" }],
};
const NEEDS = { sites: [{ name: "attic", lan: "10.11.0.0/24" }], interfacePrefix: "pan1234-" };

const judge = (change: Partial<HostFacts>) => judgeHost({ ...READY, ...change }, NEEDS);
const wrong = (change: Partial<HostFacts>) => judge(change).filter((finding) => finding.state !== "ok");

test("a box that has everything can run a lab, and every finding says why it matters", () => {
  expect(wrong({})).toEqual([]);
  expect(judge({}).filter((finding) => finding.why === "" || finding.what === "")).toEqual([]);
});

test.each<[string, Partial<HostFacts>, string]>([
  ["no root", { root: false }, "HOST_ROOT"],
  ["not Linux", { platform: "darwin" }, "HOST_LINUX"],
  ["a program lacks", { missingPrograms: ["mmdebstrap"] }, "HOST_PROGRAM"],
  ["no bridges", { kernel: { ...READY.kernel, bridge: false } }, "HOST_KERNEL"],
  ["no memory controller", { cgroup: { version: 2, controllers: ["cpu", "cpuset", "pids"] } }, "HOST_CGROUP"],
  ["too little memory", { memoryMiB: 1500 }, "HOST_MEMORY"],
  ["no room", { diskGiB: { "/state": 2 } }, "HOST_DISK"],
  ["a clash", { routes: [{ cidr: "10.0.0.0/8", device: "vpn" }] }, "HOST_ROUTE"],
])("%s: the lab can't run, and the finding says what to do", (_name, change, code) => {
  const findings = wrong(change);
  expect(findings).toMatchObject([{ code, state: "missing", fix: expect.any(String) as string }]);
  expect(couldRun(findings)).toBe(false);
});

test.each<[string, Partial<HostFacts>, string]>([
  ["little memory", { memoryMiB: 3000 }, "HOST_MEMORY"],
  ["few inotify instances", { inotifyInstances: 128 }, "HOST_INOTIFY"],
  ["an old Go", { go: "1.25.9" }, "HOST_GO"],
  ["no Go", { go: undefined }, "HOST_GO"],
  ["an untried kernel", { kernel: { ...READY.kernel, veth: undefined } }, "HOST_KERNEL"],
])("%s: a warning that keeps no lab from running", (_name, change, code) => {
  const findings = wrong(change);
  expect(findings).toMatchObject([{ code, state: "warning", fix: expect.any(String) as string }]);
  expect(couldRun(findings)).toBe(true);
});

test("the lab's own routes are no clash", () => {
  expect(wrong({ routes: [{ cidr: "10.11.0.0/24", device: "pan1234-1" }] })).toEqual([]);
});

test("routes are read from the kernel's table, without the default route", () => {
  const table = [
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
    "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0",
    "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
    "tun0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0",
  ].join("\n");
  expect(readRoutes(table)).toEqual([
    { cidr: "192.0.2.0/24", device: "eth0" },
    { cidr: "10.0.0.0/8", device: "tun0" },
  ]);
});

test("the cgroup version in use is read from the mounts", () => {
  const v1 = [
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755",
    "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct",
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory",
  ].join("\n");
  const v2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate";
  expect(readCgroup(v1, "")).toEqual({ version: 1, controllers: ["cpu", "cpuacct", "memory"] });
  expect(readCgroup(v2, "cpuset cpu io memory pids\n")).toMatchObject({ version: 2 });
  expect(readCgroup("", "")).toEqual({ version: undefined, controllers: [] });
});
