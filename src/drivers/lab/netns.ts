/** Network namespaces through the `ip` tool: one batch of typed lines per namespace. */
import { mustRun, runProcess } from "#base/process.ts";

/** Names of all network namespaces on the host that start with `prefix`. */
export async function listNamespaces(prefix: string): Promise<readonly string[]> {
  const out = await mustRun("LAB_IP_FAILED", ["ip", "netns", "list"]);
  return out
    .split("\n")
    .map((line) => line.split(" ")[0] ?? "")
    .filter((name) => name.startsWith(prefix));
}

/** Makes the namespaces that are missing, each with its loopback up. */
export async function ensureNamespaces(wanted: readonly string[], present: readonly string[]): Promise<void> {
  for (const name of wanted.filter((one) => !present.includes(one))) {
    await mustRun("LAB_IP_FAILED", ["ip", "netns", "add", name]);
    await ipBatch(name, ["link set lo up"]);
  }
}

/** Removes a namespace and every interface in it; absent is fine. */
export async function removeNamespace(name: string): Promise<void> {
  await runProcess(["ip", "netns", "delete", name]);
}

/** Runs lines of `ip` in one namespace (or the host's own, where `namespace` is undefined); all or an error. */
export async function ipBatch(namespace: string | undefined, lines: readonly string[]): Promise<void> {
  const where = namespace ? ["-n", namespace] : [];
  await mustRun("LAB_IP_FAILED", ["ip", ...where, "-batch", "-"], `${lines.join("\n")}\n`);
}

/** Names of the interfaces in a namespace (or the host's own). */
export async function listLinks(namespace?: string): Promise<readonly string[]> {
  const where = namespace ? ["-n", namespace] : [];
  const out = await mustRun("LAB_IP_FAILED", ["ip", ...where, "-json", "link", "show"]);
  return (JSON.parse(out) as { ifname: string }[]).map((link) => link.ifname);
}

/** Loads nftables rules into a namespace, replacing what a former run put there. */
export async function loadRules(namespace: string, rules: string): Promise<void> {
  await mustRun("LAB_NFT_FAILED", ["ip", "netns", "exec", namespace, "nft", "-f", "-"], rules);
}

/** Sets kernel network settings inside a namespace. */
export async function setSysctl(
  namespace: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const pairs = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  await mustRun("LAB_SYSCTL_FAILED", ["ip", "netns", "exec", namespace, "sysctl", "-q", "-w", ...pairs]);
}
