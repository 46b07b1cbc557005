import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import type { MachinePlan, SitePlan } from "#plan/plan.ts";
import { type Platform, XEN, labPlatform } from "#render/files.ts";
import { fixturePlan } from "./fixture.ts";
import { renderMachine } from "./machine.ts";
import { renderTree } from "./tree.ts";

const LAB = labPlatform("v1");

/** The files of one machine of the fixture, by path. */
function files(name: string, platform: Platform, change: Partial<SitePlan> = {}): Map<string, string> {
  const { plan, site } = fixturePlan(change);
  const machine = site.machines.find((each) => each.name === name);
  if (machine === undefined) throw new Error(`no ${name} in the fixture`);
  return new Map(renderMachine(plan, site, machine, platform).map((file) => [file.path, file.content]));
}

function content(name: string, platform: Platform, path: string, change: Partial<SitePlan> = {}): string {
  const found = files(name, platform, change).get(path);
  if (found === undefined) throw new Error(`${name} has no ${path}`);
  return found;
}

/** One document of a kubeadm file, by kind. */
function kubeadm(name: string, platform: Platform, file: string, kind: string): Record<string, unknown> {
  const documents = parseAllDocuments(content(name, platform, `/etc/panopticon/${file}`));
  const found = [...documents].map((each) => each.toJS()).find((each) => each.kind === kind);
  if (found === undefined) throw new Error(`no ${kind}`);
  return found;
}

function changeMachine(name: string, change: Partial<MachinePlan>): Partial<SitePlan> {
  const { site } = fixturePlan();
  return { machines: site.machines.map((each) => (each.name === name ? { ...each, ...change } : each)) };
}

function without(name: string, key: keyof MachinePlan): Partial<SitePlan> {
  const { site } = fixturePlan();
  const strip = (machine: MachinePlan) =>
    Object.fromEntries(Object.entries(machine).filter(([each]) => each !== key)) as unknown as MachinePlan;
  return { machines: site.machines.map((each) => (each.name === name ? strip(each) : each)) };
}

describe("the files of a machine", () => {
  it("come sorted, each path once, and the same for the same plan", () => {
    for (const name of ["attic-ecam-1", "attic-cp-1", "attic-worker-1"]) {
      const paths = [...files(name, LAB).keys()];
      expect(paths).toEqual([...new Set(paths)].toSorted());
      expect(files(name, LAB)).toEqual(files(name, LAB));
    }
  });

  it("are those of the role", () => {
    const [ecam, controlplane, worker] = ["attic-ecam-1", "attic-cp-1", "attic-worker-1"].map((name) =>
      files(name, XEN),
    );
    expect(ecam?.has("/etc/haproxy/haproxy.cfg")).toBe(true);
    expect(ecam?.has("/etc/containerd/config.toml")).toBe(false);
    expect(controlplane?.has("/etc/panopticon/kubeadm-init.yaml")).toBe(true);
    expect(worker?.has("/etc/panopticon/kubeadm-init.yaml")).toBe(false);
    expect(worker?.has("/etc/panopticon/kubeadm-join.yaml")).toBe(true);
  });

  it("are executable only where they are scripts", () => {
    const { plan } = fixturePlan();
    for (const [path, file] of Object.entries(renderTree(plan, () => LAB)))
      expect([path, file.mode]).toEqual([path, path.includes("/usr/local/lib/") ? 0o755 : 0o644]);
  });
});

describe("platforms", () => {
  it("give the ground, and no kernel module, to machines without a kernel of their own", () => {
    for (const name of ["attic-ecam-1", "attic-worker-1"]) {
      expect(files(name, LAB).has("/usr/local/lib/panopticon/ground")).toBe(true);
      expect(files(name, XEN).has("/usr/local/lib/panopticon/ground")).toBe(false);
    }
    expect(files("attic-worker-1", LAB).has("/etc/modules-load.d/panopticon.conf")).toBe(false);
    expect(files("attic-worker-1", XEN).has("/etc/modules-load.d/panopticon.conf")).toBe(true);
  });

  it("keep settings of the whole kernel out of the lab", () => {
    const lab = content("attic-cp-1", LAB, "/etc/sysctl.d/60-panopticon.conf");
    expect(
      lab
        .trim()
        .split("\n")
        .every((line) => /^-?net\./.test(line)),
    ).toBe(true);
    expect(content("attic-cp-1", XEN, "/etc/sysctl.d/60-panopticon.conf")).toContain("fs.inotify.");
  });

  it("let containerd and the kubelet agree on control groups", () => {
    for (const [platform, driver, systemd] of [
      [LAB, "cgroupfs", false],
      [labPlatform("v2"), "systemd", true],
      [XEN, "systemd", true],
    ] as const) {
      const kubelet = kubeadm("attic-cp-1", platform, "kubeadm-init.yaml", "KubeletConfiguration");
      expect(kubelet["cgroupDriver"]).toBe(driver);
      expect(content("attic-cp-1", platform, "/etc/containerd/config.toml")).toContain(
        `SystemdCgroup = ${systemd}`,
      );
    }
  });

  it("ignore kubeadm's checks only in the lab", () => {
    const ignored = (platform: Platform) =>
      JSON.stringify(kubeadm("attic-worker-1", platform, "kubeadm-join.yaml", "JoinConfiguration"));
    expect(ignored(XEN)).not.toContain("ignorePreflightErrors");
    expect(ignored(LAB)).toContain("SystemVerification");
  });

  it("let Keepalived ask HAProxy in the lab and watch its process elsewhere", () => {
    const path = "/etc/keepalived/keepalived.conf";
    expect(content("attic-ecam-1", LAB, path)).toContain("track_script");
    expect(content("attic-ecam-1", LAB, path)).not.toContain("track_process");
    expect(content("attic-ecam-1", XEN, path)).toContain("track_process");
    expect(content("attic-ecam-1", XEN, path)).not.toContain("track_script");
  });
});

describe("HAProxy", () => {
  const sections = (): Map<string, string> => {
    const { site } = fixturePlan();
    const machines = site.machines.map((each) =>
      each.role === "worker" ? { ...each, role: "controlplane" as const } : each,
    );
    const text = content("attic-ecam-1", XEN, "/etc/haproxy/haproxy.cfg", { machines });
    return new Map(text.split("\n\n").map((section) => [section.split("\n")[0] ?? "", section]));
  };

  it("cuts sessions only where the machine is gone, never because it is slow to be ready", () => {
    expect(sections().get("backend controlplanes")).toContain("on-marked-down shutdown-sessions");
    expect(sections().get("backend readiness")).not.toContain("shutdown-sessions");
  });

  it("gives every ready control plane a share, and a second chance to what is left over", () => {
    const rules =
      sections()
        .get("backend controlplanes")
        ?.match(/use-server .*/g) ?? [];
    const names = ["attic-cp-1", "attic-worker-1", "attic-worker-2"];
    expect(rules).toEqual([
      ...names.map(
        (name, index) =>
          `use-server ${name} if { srv_is_up(readiness/${name}) } { src_port,mod(3) eq ${index} }`,
      ),
      ...names.map((name) => `use-server ${name} if { srv_is_up(readiness/${name}) }`),
    ]);
  });

  it("listens for its status on loopback only", () => {
    expect(
      sections()
        .get("frontend status")
        ?.match(/bind .*/g),
    ).toEqual(["bind 127.0.0.1:8404"]);
  });
});

describe("Keepalived", () => {
  const path = "/etc/keepalived/keepalived.conf";

  it("prefers different ECAMs for the two addresses", () => {
    const priorities = (name: string) =>
      [...content(name, XEN, path).matchAll(/ priority (\d+)/g)].map((match) => match[1]);
    expect(priorities("attic-ecam-1")).toEqual(["254", "253"]);
    expect(priorities("attic-ecam-2")).toEqual(["253", "254"]);
  });

  it("names every other ECAM as a peer, and none where it is alone", () => {
    expect(content("attic-ecam-1", XEN, path)).toContain("unicast_peer {\n        10.11.0.12\n    }");
    const { site } = fixturePlan();
    const alone = { machines: site.machines.filter((each) => each.name !== "attic-ecam-2") };
    expect(content("attic-ecam-1", XEN, path, alone)).not.toContain("unicast_peer");
  });

  it("refuses an ECAM without a priority", () => {
    expect(() => files("attic-ecam-1", XEN, without("attic-ecam-2", "priority"))).toThrow(
      "RENDER_NO_PRIORITY",
    );
  });
});

describe("pods", () => {
  it("are reached over every other node's address", () => {
    const text = content("attic-worker-1", LAB, "/etc/systemd/network/10-panopticon.network");
    const routes = [...text.matchAll(/Destination=(\S+)\nGateway=(\S+)/g)].map((match) => match.slice(1));
    expect(routes).toEqual([
      ["10.128.1.0/24", "10.11.0.21"],
      ["10.128.3.0/24", "10.11.0.42"],
    ]);
  });

  it("get addresses of their node's network only", () => {
    const list = JSON.parse(content("attic-worker-2", LAB, "/etc/cni/net.d/10-panopticon.conflist"));
    expect(list.plugins[0].ipam.ranges).toEqual([[{ subnet: "10.128.3.0/24" }]]);
  });

  it("keep their address towards nodes and lose it towards ECAMs, which have no route back", () => {
    const text = content("attic-worker-1", LAB, "/etc/panopticon/masquerade.nft");
    const reachable = /elements = \{ (.*) \}/.exec(text)?.[1]?.split(", ");
    expect(reachable).toEqual(["10.128.0.0/16", "10.96.0.0/20", "10.11.0.21", "10.11.0.41", "10.11.0.42"]);
  });

  it("need a pod network on every node", () => {
    expect(() => files("attic-worker-1", LAB, without("attic-worker-2", "podNetwork"))).toThrow(
      "RENDER_NO_POD_NETWORK",
    );
  });
});

describe("kubeadm", () => {
  it("certifies every name and address the API is asked by", () => {
    const cluster = kubeadm("attic-cp-1", LAB, "kubeadm-init.yaml", "ClusterConfiguration") as {
      apiServer: { certSANs: string[] };
    };
    expect(cluster.apiServer.certSANs).toEqual(
      expect.arrayContaining(["api.site1.home.test", "10.11.0.10", "10.11.0.11", "10.11.0.12", "10.11.0.21"]),
    );
  });

  it("sends clients elsewhere only where there is another API server", () => {
    expect(content("attic-cp-1", LAB, "/etc/panopticon/kubeadm-init.yaml")).not.toContain("goaway-chance");
    const { site } = fixturePlan();
    const two = {
      machines: site.machines.map((each) => ({
        ...each,
        role: each.name === "attic-worker-1" ? ("controlplane" as const) : each.role,
      })),
    };
    expect(content("attic-cp-1", LAB, "/etc/panopticon/kubeadm-init.yaml", two)).toContain("goaway-chance");
  });

  it("joins a control plane as one, and a worker as none", () => {
    const join = (name: string) => kubeadm(name, LAB, "kubeadm-join.yaml", "JoinConfiguration");
    expect(join("attic-cp-1")["controlPlane"]).toEqual({
      localAPIEndpoint: { advertiseAddress: "10.11.0.21", bindPort: 6443 },
    });
    expect(join("attic-worker-1")).not.toHaveProperty("controlPlane");
  });

  it("has its steps as units that no boot starts, and none that begins a cluster on a worker", () => {
    const steps = (name: string) =>
      [...files(name, LAB)].filter(([path]) => /panopticon-(init|join|reset)\.service$/.test(path));
    expect(steps("attic-cp-1").map(([path]) => path.split("-").at(-1))).toEqual([
      "init.service",
      "join.service",
      "reset.service",
    ]);
    expect(steps("attic-worker-1")).toHaveLength(2);
    for (const [, text] of steps("attic-cp-1")) expect(text).not.toContain("[Install]");
  });

  it("labels a node with its server and site", () => {
    expect(content("attic-worker-2", LAB, "/etc/panopticon/kubeadm-join.yaml")).toContain(
      "topology.kubernetes.io/region=attic,topology.kubernetes.io/zone=right",
    );
  });

  it.each(["a,b=c", "-a", "a b", "a".repeat(64)])("refuses the server name %j as a label", (server) => {
    expect(() => files("attic-worker-1", LAB, changeMachine("attic-worker-1", { server }))).toThrow(
      "RENDER_BAD_LABEL",
    );
  });
});

describe("bad plans", () => {
  it.each([
    ["address", { address: "10.11.0.21\n" }, "RENDER_BAD_ADDRESS"],
    ["name", { name: "attic-cp-1 bad" }, "RENDER_BAD_WORD"],
    ["podNetwork", { podNetwork: "10.128.1.1/24" }, "RENDER_BAD_NETWORK"],
  ] as const)("with a wrong %s are refused by every node's files", (_what, change, code) => {
    expect(() => files("attic-worker-1", LAB, changeMachine("attic-cp-1", change))).toThrow(code);
  });
});
