/**
 * Every format is judged by the program that reads it, on each ground; and each
 * program is shown a spoilt file, so that a check which can't fail is noticed.
 * systemd-networkd and the CNI plugins have no such program: their files are
 * compared only (render.test.ts).
 */
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { tsigFile } from "#render/ecam/knot.ts";
import { moved } from "../../names/knot.ts";
import { needTool } from "../../tools.ts";
import { PLATFORMS, type Tree, exampleSeed, exampleTree } from "./trees.ts";
import { type Verdict, inNewNetwork, inScratch, needBeside, needRoot, put, run } from "./validators.ts";

const trees = new Map<string, Tree>();
beforeAll(async () => {
  for (const name of Object.keys(PLATFORMS)) trees.set(name, await exampleTree("two-sites", name));
});

/** The text of one file of the first site. */
function file(platform: string, machine: string, path: string): string {
  const found = trees.get(platform)?.[`attic/${machine}${path}`];
  if (found === undefined) throw new Error(`${machine} has no ${path} on ${platform}`);
  return found.content;
}

/** One document of a control plane's init file, as data. */
function initDocument(platform: string, kind: string): Record<string, unknown> {
  const text = file(platform, "attic-cp-1", "/etc/panopticon/kubeadm-init.yaml");
  const found = [...parseAllDocuments(text)].map((each) => each.toJS()).find((each) => each.kind === kind);
  if (found === undefined) throw new Error(`no ${kind}`);
  return found;
}

describe.each(Object.keys(PLATFORMS))("on %s", (platform) => {
  it("haproxy reads haproxy.cfg without a warning", (context) => {
    const haproxy = needTool(context, "haproxy");
    const text = file(platform, "attic-ecam-1", "/etc/haproxy/haproxy.cfg");
    const ca = join(import.meta.dirname, "ca.crt");
    const check = (content: string): Verdict =>
      inScratch((folder) =>
        run([
          haproxy,
          "-dW",
          "-c",
          "-f",
          put(folder, "c", content.replace("/etc/panopticon/pki/ca.crt", ca)),
        ]),
      );
    expect(check(text)).toMatchObject({ code: 0 });
    expect(check(text.replace("nbsrv(controlplanes)", "nbsrv(elsewhere)")).code).not.toBe(0);
  });

  it("keepalived reads keepalived.conf and trusts its script", (context) => {
    const [keepalived, unshare] = [needTool(context, "keepalived"), needTool(context, "unshare")];
    needRoot(context, "Keepalived judges scripts by their owners");
    const text = file(platform, "attic-ecam-1", "/etc/keepalived/keepalived.conf");
    const script = platform === "xen" ? undefined : file(platform, "attic-ecam-1", SCRIPT);
    const check = (content: string): Verdict =>
      inScratch((folder) => {
        const path = put(folder, "keepalived.conf", content);
        if (script !== undefined) put(folder, SCRIPT, script, 0o755);
        else put(folder, "usr/local/lib/empty", "");
        const local = join(folder, "usr/local/lib");
        const device = PLATFORMS[platform]?.interface ?? "";
        // Without a process tree of its own Keepalived 2.2 ends itself while testing a file with scripts.
        const spaces = [unshare, "--net", "--mount", "--pid", "--fork", "sh", "-c", KEEPALIVED, "sh"];
        return run([...spaces, device, local, keepalived, path]);
      });
    expect(check(text)).toEqual({ code: 0, output: "" });
    expect(check(text.replace("nopreempt", "nopreemt")).code).not.toBe(0);
  });

  it("knot reads knot.conf and its zone", (context) => {
    const knotc = needTool(context, "knotc");
    const zone = "/etc/knot/home.test.zone";
    const check = (change: (text: string) => string): readonly Verdict[] =>
      inScratch((folder) => {
        put(folder, "tsig.conf", tsigFile({ name: "attic" }, Buffer.alloc(32).toString("base64")));
        put(folder, "home.test.zone", change(file(platform, "attic-ecam-1", zone)));
        const text = moved(file(platform, "attic-ecam-1", "/etc/knot/knot.conf"), folder);
        const path = put(folder, "knot.conf", change(text));
        return [["conf-check"], ["zone-check", "home.test"]].map((argv) => run([knotc, "-c", path, ...argv]));
      });
    expect(check((text) => text).map(({ code }) => code)).toEqual([0, 0]);
    const spoilt = check((text) => text.replace("answer-rotation", "answer-rotating"));
    expect(spoilt[0]?.code).not.toBe(0);
    expect(check((text) => text.replace("IN SOA", "IN TXT"))[1]?.code).not.toBe(0);
  });

  it("nft loads masquerade.nft, and again over itself", (context) => {
    const [nft, unshare] = [needTool(context, "nft"), needTool(context, "unshare")];
    const text = file(platform, "attic-worker-1", "/etc/panopticon/masquerade.nft");
    inScratch((folder) => {
      const path = put(folder, "masquerade.nft", text);
      expect(run(inNewNetwork(unshare, [nft, "-c", "-f", path]))).toEqual({ code: 0, output: "" });
      const twice = run(inNewNetwork(unshare, ["sh", "-c", NFT_TWICE, "sh", nft, path]));
      expect(twice.code).toBe(0);
      expect(twice.output.match(/masquerade/g)).toHaveLength(1);
      const spoilt = put(folder, "spoilt.nft", text.replace("fully-random", "fully-randm"));
      expect(run(inNewNetwork(unshare, [nft, "-c", "-f", spoilt])).code).not.toBe(0);
    });
  });

  it.for([
    ["attic-cp-1", "kubeadm-init.yaml", "controlPlaneEndpoint:"],
    ["attic-cp-1", "kubeadm-join.yaml", "discovery:"],
    ["attic-worker-1", "kubeadm-join.yaml", "discovery:"],
  ] as const)("kubeadm accepts %s's %s", ([machine, name, key], context) => {
    const kubeadm = needTool(context, "kubeadm");
    const text = file(platform, machine, `/etc/panopticon/${name}`);
    const check = (content: string): Verdict =>
      inScratch((folder) => {
        const bootstrap = put(folder, "bootstrap.conf", "");
        const config = put(folder, name, content.replace("/etc/panopticon/bootstrap.conf", bootstrap));
        return run([kubeadm, "config", "validate", "--config", config]);
      });
    expect(check(text)).toEqual({ code: 0, output: "ok\n" });
    expect(check(text.replace(key, `x${key}`)).code).not.toBe(0);
  });

  it("the kubelet accepts its settings, a control plane's patch and the node's flags", (context) => {
    const [kubelet, unshare] = [needTool(context, "kubelet"), needTool(context, "unshare")];
    // The box the tests run on may have cgroup v1, which is no matter of the file.
    const settings = { ...initDocument(platform, "KubeletConfiguration"), failCgroupV1: false };
    const patch = parseAllDocuments(
      file(platform, "attic-cp-1", "/etc/panopticon/patches/kubeletconfiguration+merge.yaml"),
    )[0]?.toJS();
    const registration = initDocument(platform, "InitConfiguration")["nodeRegistration"] as {
      kubeletExtraArgs: Flag[];
    };
    const check = (config: object, flags: readonly Flag[]): Verdict =>
      inScratch((folder) => {
        const path = put(folder, "config.json", JSON.stringify(config));
        const own = [`--config=${path}`, `--kubeconfig=${folder}/k`, `--bootstrap-kubeconfig=${folder}/none`];
        const folders = [`--cert-dir=${folder}/pki`, `--root-dir=${folder}/kubelet`];
        return run(inNewNetwork(unshare, [kubelet, ...own, ...folders, ...flags.map(asFlag)]));
      });
    // It gets as far as the kubeconfig, which comes after the settings and is not there.
    const passed = "unable to load bootstrap kubeconfig";
    const flags = registration.kubeletExtraArgs;
    expect(check(settings, flags).output).toContain(passed);
    expect(check({ ...settings, ...patch }, flags).output).toContain(passed);
    const tooLong = { ...settings, crashLoopBackOff: { maxContainerRestartPeriod: "301s" } };
    expect(check(tooLong, flags).output).toContain("must be set between 1s and 300s");
    const forbidden = { name: "node-labels", value: "node-role.kubernetes.io/worker=" };
    expect(check(settings, [forbidden]).output).toContain("unknown 'kubernetes.io'");
  });

  it("kube-proxy accepts its settings", (context) => {
    const proxy = needBeside(context, "kubeadm", "kube-proxy");
    const settings = initDocument(platform, "KubeProxyConfiguration");
    const check = (config: object): Verdict =>
      inScratch((folder) =>
        run([
          proxy,
          "--config",
          put(folder, "c.json", JSON.stringify(config)),
          "--write-config-to",
          `${folder}/out`,
        ]),
      );
    expect(check(settings).code).toBe(0);
    expect(check({ ...settings, detectLocalMode: "ClusterCDR" }).code).not.toBe(0);
  });

  it("containerd knows every key of config.toml", (context) => {
    const containerd = needTool(context, "containerd");
    const text = file(platform, "attic-cp-1", "/etc/containerd/config.toml");
    const check = (content: string): Verdict =>
      inScratch((folder) =>
        run([containerd, "--config", put(folder, "config.toml", content), "config", "dump"]),
      );
    const verdict = check(text);
    expect(verdict.code).toBe(0);
    expect(verdict.output).not.toContain("unknown key");
    expect(verdict.output).toContain("sandbox = 'registry.k8s.io/pause:3.10.2'");
    expect(check(text.replace("conf_dir", "conf_dirr")).output).toContain("unknown key");
  });

  it.for(["attic-ecam-1", "attic-cp-1"])("systemd reads the units of %s", (machine, context) => {
    const analyze = needTool(context, "systemd-analyze");
    const tree = trees.get(platform) ?? {};
    const prefix = `attic/${machine}`;
    const units = Object.entries(tree).filter(([path]) => path.startsWith(`${prefix}/etc/systemd/system/`));
    if (units.length === 0) return;
    inScratch((folder) => {
      for (const [path, unit] of units) put(folder, path.slice(prefix.length), unit.content);
      for (const path of PROGRAMS) put(folder, path, "#!/bin/sh\n", 0o755);
      for (const name of TARGETS) put(folder, `usr/lib/systemd/system/${name}`, "[Unit]\n");
      const entries = readdirSync(join(folder, "etc/systemd/system"));
      // A drop-in alone is for a unit of Debian's.
      const names = entries
        .filter((name) => /[.]service([.]d)?$/.test(name))
        .map((name) => name.replace(/[.]d$/, ""));
      for (const name of names.filter((one) => !entries.includes(one)))
        put(folder, `usr/lib/systemd/system/${name}`, "[Service]\nExecStart=/usr/local/bin/kubelet\n");
      const check = (): Verdict => run([analyze, "verify", `--root=${folder}`, ...names]);
      expect(check()).toEqual({ code: 0, output: "" });
      const spoilt = join("etc/systemd/system", names[0] ?? "");
      put(folder, spoilt, "[Service]\nExecStart=/nowhere\n");
      expect(check().code).not.toBe(0);
    });
  });
});

describe("in the lab", () => {
  it.for([
    ["kube-apiserver", "apiServer"],
    ["kube-controller-manager", "controllerManager"],
    ["kube-scheduler", "scheduler"],
    ["etcd", "etcd"],
  ] as const)("%s knows its flags", ([program, key], context) => {
    const path = needBeside(context, key === "etcd" ? "etcdctl" : "kubeadm", program);
    const cluster = initDocument("lab", "ClusterConfiguration") as Record<string, Component>;
    const component = key === "etcd" ? (cluster[key] as { local?: Component })?.local : cluster[key];
    const flags = (component?.extraArgs ?? []).map(asFlag);
    expect(flags.length).toBeGreaterThan(0);
    expect(run([path, ...flags, "--help"]).code).toBe(0);
    expect(run([path, ...flags.map((flag) => flag.replace("=", "x=")), "--help"]).code).not.toBe(0);
  });

  it.for(["attic-ecam-1", "attic-cp-1"])("the ground of %s is made, twice over", (machine, context) => {
    const unshare = needTool(context, "unshare");
    needRoot(context, "it mounts");
    inScratch((folder) => {
      put(folder, "60-panopticon.conf", file("lab", machine, "/etc/sysctl.d/60-panopticon.conf"));
      const ground = put(folder, "ground", file("lab", machine, "/usr/local/lib/panopticon/ground"), 0o755);
      const spaces = [unshare, "--net", "--mount", "sh", "-c", GROUND, "sh"];
      const setting = machine === "attic-ecam-1" ? "ip_nonlocal_bind" : "ip_forward";
      const verdict = run([...spaces, folder, ground, `/proc/sys/net/ipv4/${setting}`]);
      expect(verdict).toMatchObject({ code: 0, output: expect.stringMatching(/^0\n(.*\n)*1\n$/) });
    });
  });
});

/** Debian's sshd wants it whatever it is asked; only its service makes it at boot. */
const PRIVSEP = "/run/sshd";

describe("a machine's seed", () => {
  it("has settings that sshd reads, with the one host key", async (context) => {
    const [sshd, keygen] = [needTool(context, "sshd"), needTool(context, "ssh-keygen")];
    const seed = await exampleSeed("two-sites", "lab");
    const whole = seed.find((each) => each.path.includes("/sshd_config.d/"))?.content ?? "";
    if (!existsSync(PRIVSEP)) needRoot(context, `sshd wants ${PRIVSEP}`);
    mkdirSync(PRIVSEP, { recursive: true, mode: 0o755 });
    // The machines' sshd is Debian 13's; one from before OpenSSH 9.8 knows no penalties.
    const known = run([sshd, "-T", "-f", "/dev/null", "-o", "PerSourcePenalties=no"]).code === 0;
    const text = known ? whole : whole.replace("PerSourcePenalties no\n", "");
    inScratch((folder) => {
      const key = join(folder, "key");
      expect(run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", key]).code).toBe(0);
      const check = (content: string): Verdict =>
        run([sshd, "-T", "-f", put(folder, "c", content.replace("/etc/ssh/ssh_host_ed25519_key", key))]);
      expect(check(text)).toMatchObject({ code: 0, output: expect.stringContaining("usedns no\n") });
      expect(check(text).output.match(/^hostkey .*$/gm)).toEqual([`hostkey ${key}`]);
      expect(check(text.replace("MaxSessions", "MaxSession")).code).not.toBe(0);
    });
  });
});

/** A component's flag as kubeadm writes it down. */
interface Flag {
  readonly name: string;
  readonly value: string;
}

interface Component {
  readonly extraArgs?: readonly Flag[];
}

function asFlag({ name, value }: Flag): string {
  return `--${name}=${value}`;
}

const SCRIPT = "/usr/local/lib/panopticon/haproxy-alive";

/** What units run and what they order themselves by, as stand-ins below a folder. */
const PROGRAMS = [
  "opt/panopticon/current/bin/node",
  "usr/bin/install",
  "usr/sbin/knotc",
  ...["find", "mkdir", "rm", "touch"].map((name) => `usr/bin/${name}`),
  "usr/local/bin/containerd",
  "usr/local/bin/kubeadm",
  "usr/local/bin/kubelet",
  "usr/local/lib/panopticon/ground",
  "usr/sbin/nft",
];
const TARGETS = ["basic.target", "multi-user.target", "shutdown.target", "sysinit.target"];

/** $1 interface, $2 folder for /usr/local/lib, $3 keepalived, $4 file. */
const KEEPALIVED = 'ip link add "$1" type bridge && mount --bind "$2" /usr/local/lib && exec "$3" -t -f "$4"';

/** $1 nft, $2 file: loaded twice, then shown. */
const NFT_TWICE = '"$1" -f "$2" && "$1" -f "$2" && "$1" list table ip panopticon';

/** $1 folder with the settings, $2 the script, $3 a setting: /proc/sys is read-only before, as in a container. */
const GROUND = `set -e
mount --bind "$1" /etc/sysctl.d
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
cat "$3"
"$2" && "$2"
cat "$3"`;
