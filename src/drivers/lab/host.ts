/** The few settings of the host that a lab needs or changes; what was there before is remembered and put back by `down`. */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * All machines share one user's inotify limits; at the default of 128 instances
 * the third or fourth kubelet dies (knowledge: lab).
 */
const WANTED: Readonly<Record<string, number>> = {
  "fs/inotify/max_user_instances": 8192,
  "fs/inotify/max_user_watches": 1048576,
};

/**
 * What every kubelet sets for the kernel it believes its own
 * (k8s.io/kubernetes/pkg/kubelet/cm, setupKernelTunables): in the lab it is the host's.
 */
const SET_BY_KUBELET = [
  "vm/overcommit_memory",
  "vm/panic_on_oom",
  "kernel/panic",
  "kernel/panic_on_oops",
  "kernel/keys/root_maxkeys",
  "kernel/keys/root_maxbytes",
];

/** One memory for all labs on the host; like the settings themselves it does not outlive a reboot. */
const MEMORY = "/run/panopticon/host-settings.json";

/** Settings that are below what the lab needs, in words. */
export async function hostLacks(): Promise<readonly string[]> {
  const lacks: string[] = [];
  for (const [key, wanted] of Object.entries(WANTED)) {
    if ((await read(key)) < wanted) lacks.push(`host setting ${key.replaceAll("/", ".")} = ${wanted}`);
  }
  return lacks;
}

/** Raises them, after writing down what they were before the first lab came. */
export async function raiseHostSettings(): Promise<void> {
  if ((await remembered()) === undefined) {
    const before: Record<string, number> = {};
    for (const key of [...Object.keys(WANTED), ...SET_BY_KUBELET]) before[key] = await read(key);
    await mkdir(dirname(MEMORY), { recursive: true, mode: 0o700 });
    await writeFile(`${MEMORY}.new`, JSON.stringify(before));
    await rename(`${MEMORY}.new`, MEMORY);
  }
  for (const [key, wanted] of Object.entries(WANTED)) {
    if ((await read(key)) < wanted) await writeFile(`/proc/sys/${key}`, String(wanted));
  }
}

/** Puts back what was remembered; for the last lab that leaves. */
export async function restoreHostSettings(): Promise<void> {
  for (const [key, value] of Object.entries((await remembered()) ?? {})) {
    if (key in WANTED || SET_BY_KUBELET.includes(key)) await writeFile(`/proc/sys/${key}`, String(value));
  }
  await rm(MEMORY, { force: true });
}

async function remembered(): Promise<Record<string, number> | undefined> {
  const text = await readFile(MEMORY, "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Record<string, number>);
}

async function read(key: string): Promise<number> {
  return Number(await readFile(`/proc/sys/${key}`, "utf8"));
}
