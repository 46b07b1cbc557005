import { lstat, mkdir, mkdtemp, readFile, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { makeNodeLayer, NODE_BIN, NODE_PROGRAMS } from "./nodelayer.ts";
import { cloneContainerdSeed } from "./seed.ts";

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "layers-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

async function programs(at: string): Promise<Record<string, string>> {
  const folders: Record<string, string> = {};
  for (const [name, names] of Object.entries(NODE_PROGRAMS)) {
    const path = join(at, name);
    folders[name] = path;
    await mkdir(path);
    if (name === "kubernetes") {
      await writeFile(join(path, "kube"), "all in one");
      for (const program of names) await symlink("kube", join(path, program));
    } else {
      for (const program of names) await writeFile(join(path, program), program);
    }
  }
  return folders;
}

test("a node's layer has every program, links kept, nothing stored twice", async () => {
  const at = await folder();
  const folders = await programs(at);
  await makeNodeLayer(folders, join(at, "out"));
  const bin = join(at, "out", NODE_BIN);
  for (const program of Object.values(NODE_PROGRAMS).flat())
    expect((await stat(join(bin, program))).isFile()).toBe(true);
  expect(await readlink(join(bin, "kubelet"))).toBe("kube");
  expect((await stat(join(bin, "kube"))).ino).toBe(
    (await stat(join(folders["kubernetes"] ?? "", "kube"))).ino,
  );
});

async function seedFolder(at: string): Promise<string> {
  const seed = join(at, "seed");
  await mkdir(join(seed, "content", "blobs"), { recursive: true });
  await mkdir(join(seed, "metadata.v1.bolt"));
  await writeFile(join(seed, "content", "blobs", "layer"), "layer");
  await writeFile(join(seed, "metadata.v1.bolt", "meta.db"), "bolt");
  return seed;
}

test("a node's containerd folder shares the images and owns its databases", async () => {
  const at = await folder();
  const seed = await seedFolder(at);
  const target = join(at, "node", "containerd");
  await cloneContainerdSeed(seed, target);
  const inode = async (root: string, path: string) => (await lstat(join(root, path))).ino;
  expect(await inode(target, "content/blobs/layer")).toBe(await inode(seed, "content/blobs/layer"));
  expect(await inode(target, "metadata.v1.bolt/meta.db")).not.toBe(
    await inode(seed, "metadata.v1.bolt/meta.db"),
  );
  await writeFile(join(target, "metadata.v1.bolt", "meta.db"), "changed by a node");
  expect(await readFile(join(seed, "metadata.v1.bolt", "meta.db"), "utf8")).toBe("bolt");
});

test("a copy that was cut is made again; one that is there stays as it is", async () => {
  const at = await folder();
  const seed = await seedFolder(at);
  const target = join(at, "containerd");
  await mkdir(`${target}.new`);
  await writeFile(join(`${target}.new`, "half"), "made");
  await cloneContainerdSeed(seed, target);
  expect(await lstat(join(target, "half")).catch(() => "absent")).toBe("absent");
  await writeFile(join(target, "own"), "of the node");
  await cloneContainerdSeed(seed, target);
  expect(await readFile(join(target, "own"), "utf8")).toBe("of the node");
});
