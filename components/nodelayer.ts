/** The programs of a cluster node as a folder that lies over the base root: one more overlay layer. */
import { link, mkdir, readdir, readlink, symlink } from "node:fs/promises";
import { join } from "node:path";

/** Where they are on a node. */
export const NODE_BIN = "usr/local/bin";

/** The programs a node has, and the component each comes from. */
export const NODE_PROGRAMS = {
  kubernetes: ["kubelet", "kubeadm", "kubectl"],
  containerd: ["containerd", "containerd-shim-runc-v2", "ctr"],
  etcd: ["etcdctl", "etcdutl"],
} as const;

/**
 * Fills `out` from the components' folders of programs by hard links, so that
 * nothing is stored twice. A name that is a link there (kubelet → kube) stays one.
 */
export async function makeNodeLayer(folders: Readonly<Record<string, string>>, out: string): Promise<void> {
  const bin = join(out, NODE_BIN);
  await mkdir(bin, { recursive: true });
  for (const [name, programs] of Object.entries(NODE_PROGRAMS)) {
    const folder = folders[name] ?? "";
    for (const program of programs) await place(folder, program, bin);
  }
}

async function place(folder: string, name: string, bin: string): Promise<void> {
  const entry = (await readdir(folder, { withFileTypes: true })).find((candidate) => candidate.name === name);
  if (!entry?.isSymbolicLink()) return link(join(folder, name), join(bin, name));
  const target = await readlink(join(folder, name));
  await symlink(target, join(bin, name));
  if (!(await readdir(bin)).includes(target)) await link(join(folder, target), join(bin, target));
}
