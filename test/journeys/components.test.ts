/** The components as they are made on this box: the programs run, and hold what a node counts on. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mustRun } from "#base/process.ts";
import { COREDNS, ETCD, KUBERNETES } from "#components/catalogue.ts";
import { type Components, getAllComponents } from "#components/get.ts";
import { ALL_IMAGES } from "#components/images.ts";
import { NODE_BIN, NODE_PROGRAMS } from "#components/nodelayer.ts";
import { cloneContainerdSeed } from "#components/seed.ts";

function run(...argv: readonly string[]): Promise<string> {
  return mustRun("TEST_COMPONENTS", argv);
}

describe("components", () => {
  let got: Components;
  const scratch = mkdtempSync(join(tmpdir(), "components-"));

  beforeAll(async () => {
    got = await getAllComponents({ emit: () => undefined });
  });

  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  const program = (name: string): string => got.binaries[name] ?? name;

  it("report the versions that the catalogue promises", async () => {
    expect(await run(program("kubelet"), "--version")).toContain(KUBERNETES);
    expect(await run(program("kube-apiserver"), "--version")).toContain(KUBERNETES);
    expect(await run(program("etcd"), "--version")).toContain(ETCD.slice(1));
    expect(await run(program("coredns"), "-version")).toContain(COREDNS.slice(1));
    expect(await run(program("containerd"), "--version")).toContain("v2.");
  });

  it("have every image that kubeadm asks for", async () => {
    const wanted = await run(
      program("kubeadm"),
      "config",
      "images",
      "list",
      "--kubernetes-version",
      KUBERNETES,
    );
    expect(ALL_IMAGES).toEqual(expect.arrayContaining(wanted.trim().split("\n")));
  });

  it("give the base root no identity, and no daemon that would start by itself", () => {
    const root = got.baseRoot;
    expect(readdirSync(join(root, "etc/ssh")).filter((name) => name.startsWith("ssh_host_"))).toEqual([]);
    expect(readFileSync(join(root, "etc/machine-id"), "utf8")).toBe("");
    expect(statSync(root).mode & 0o777).toBe(0o755);
    const started = readdirSync(join(root, "etc/systemd/system/multi-user.target.wants"));
    expect(started).toEqual(expect.arrayContaining(["ssh.service", "systemd-networkd.service"]));
    expect(started).not.toContain("haproxy.service");
    expect(started).not.toContain("keepalived.service");
  });

  it("put the node's programs where units look for them", async () => {
    for (const name of Object.values(NODE_PROGRAMS).flat()) {
      expect(statSync(join(got.nodeLayer, NODE_BIN, name)).mode & 0o111).toBe(0o111);
    }
    for (const name of ["runc", "nft", "haproxy", "keepalived", "sshd"]) {
      expect(statSync(join(got.baseRoot, "usr/sbin", name)).isFile()).toBe(true);
    }
  });

  it("seed a node in no time, and kube-proxy's nft runs from the image's own files", async () => {
    const target = join(scratch, "containerd");
    await cloneContainerdSeed(got.containerdSeed, target);
    const snapshots = join(target, "io.containerd.snapshotter.v1.overlayfs/snapshots");
    const layer = readdirSync(snapshots)
      .map((name) => join(snapshots, name, "fs"))
      .find((fs) => readdirSync(fs).includes("usr") && readdirSync(join(fs, "usr")).includes("sbin"));
    expect(await run("chroot", layer ?? "", "/usr/sbin/nft", "--version")).toMatch(/^nftables v1\./);
  });
});
