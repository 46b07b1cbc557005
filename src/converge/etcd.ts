/** The etcd members of a site, asked and changed through a control plane that has joined. */
import { parse, stringify } from "yaml";
import { PanopticonError } from "#base/errors.ts";
import type { MachinePlan } from "#plan/plan.ts";
import type { SiteContext } from "./phase.ts";
import { must } from "./remote.ts";
import { waitFor } from "./wait.ts";

const PKI = "/etc/kubernetes/pki/etcd";
const ETCDCTL = [
  "etcdctl",
  "--endpoints=https://127.0.0.1:2379",
  `--cacert=${PKI}/ca.crt`,
  `--cert=${PKI}/healthcheck-client.crt`,
  `--key=${PKI}/healthcheck-client.key`,
];

export interface EtcdMember {
  /** Hexadecimal, as etcdctl takes it. */
  readonly id: string;
  /** Empty until the member has started for the first time. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly learner: boolean;
}

/** The members as the machine `via` knows them; needs no quorum. */
export async function etcdMembers(context: SiteContext, via: string): Promise<readonly EtcdMember[]> {
  const argv = [...ETCDCTL, "member", "list", "--consistency=s", "--write-out=simple"];
  return readMembers(await must(context, via, argv, 15));
}

/**
 * `ID, STATUS, NAME, PEER URLS, CLIENT URLS, IS LEARNER` in each line. Not JSON: with
 * `--hex` etcdctl leaves out who learns, and without it the ids are larger than a number holds.
 */
export function readMembers(text: string): readonly EtcdMember[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => {
    const [id = "", , name = "", peers = "", , learner = ""] = line.split(", ");
    return { id, name, peerUrls: peers.split(","), learner: learner.trim() === "true" };
  });
}

/** Whether the machine's own member answers, which it does only while the cluster has its quorum. */
export async function memberAnswers({ shell }: SiteContext, machine: string): Promise<boolean> {
  try {
    const asked = await shell.run(machine, [...ETCDCTL, "endpoint", "health"], { timeoutSeconds: 15 });
    return asked.code === 0;
  } catch (error) {
    if (error instanceof PanopticonError) return false;
    throw error;
  }
}

/** Whether a member is this machine's: by name, or by its peer URL where it never started. */
export function isMemberOf(member: EtcdMember, machine: MachinePlan): boolean {
  return member.name === machine.name || member.peerUrls.includes(`https://${machine.address}:2380`);
}

/** Takes a member out of the cluster; etcd itself refuses where that would lose the quorum. */
export async function removeMember(context: SiteContext, via: string, id: string): Promise<void> {
  await must(context, via, [...ETCDCTL, "member", "remove", id], 30);
}

/** Where a static pod's manifest waits while its pod must not run; the kubelet reads only `manifests`. */
export const HELD_FOLDER = "/etc/kubernetes/panopticon-held";
const MANIFEST = "/etc/kubernetes/manifests/etcd.yaml";
const STOP_SECONDS = 60;
const PROMOTE_SECONDS = 120;

/** Fixed text: takes the manifest from the kubelet, kills etcd and sees that it stays gone. */
const STOP = `set -e
mkdir -p ${HELD_FOLDER}
if [ -e ${MANIFEST} ]; then mv ${MANIFEST} ${HELD_FOLDER}/etcd.yaml; fi
quiet=0
while [ $quiet -lt 5 ]; do
  if pkill -KILL -x etcd; then quiet=0; else quiet=$((quiet + 1)); fi
  sleep 0.2
done`;

/** Stops a machine's etcd member for good, without a last word; its manifest is kept aside. */
export async function stopMember(context: SiteContext, machine: string): Promise<void> {
  await must(context, machine, ["sh", "-c", STOP], STOP_SECONDS);
}

/**
 * Gives the kubelet the manifest back, where it was taken away. Without etcd the
 * machine's own API server takes requests and answers none: the kubelet waits half
 * a minute for each and looks at no manifest meanwhile. Killed, it refuses at once.
 */
const START = `if [ -e ${HELD_FOLDER}/etcd.yaml ]; then
  mv ${HELD_FOLDER}/etcd.yaml ${MANIFEST}
  pkill -KILL -x kube-apiserver || true
fi`;

/** Lets a member that was stopped run again, from the data it has. */
export async function startMember(context: SiteContext, machine: string): Promise<void> {
  await must(context, machine, ["sh", "-c", START]);
}

/**
 * Makes a machine's etcd member anew from its peers: whatever its data directory
 * holds is thrown away, and the cluster gives it all again. It comes back as a
 * learner and votes only once it has caught up, so that the quorum is never
 * weaker than without it. May be killed anywhere and called again. `via` is a
 * machine whose member is well.
 */
export async function rebuildMember(context: SiteContext, machine: MachinePlan, via: string): Promise<void> {
  await stopMember(context, machine.name);
  for (const member of await etcdMembers(context, via)) {
    if (isMemberOf(member, machine)) await removeMember(context, via, member.id);
  }
  await must(context, machine.name, ["rm", "-rf", "/var/lib/etcd/member"]);
  const own = `https://${machine.address}:2380`;
  await must(
    context,
    via,
    [...ETCDCTL, "member", "add", machine.name, "--learner", `--peer-urls=${own}`],
    30,
  );
  const members = await etcdMembers(context, via);
  const cluster = members.map(({ name, peerUrls }) => `${name || machine.name}=${peerUrls[0] ?? ""}`);
  const held = await must(context, machine.name, ["cat", `${HELD_FOLDER}/etcd.yaml`]);
  const content = joiningManifest(held, cluster.join(","));
  await context.shell.put(machine.name, [{ path: `${HELD_FOLDER}/etcd.yaml`, content, mode: 0o600 }]);
  await startMember(context, machine.name);
  const learner = members.find((member) => isMemberOf(member, machine));
  await waitFor(`etcd of ${machine.name} to catch up with its peers`, PROMOTE_SECONDS, async () => {
    await must(context, via, [...ETCDCTL, "member", "promote", learner?.id ?? ""], 15);
    return true;
  });
}

interface StaticPod {
  readonly spec: { readonly containers: readonly { command: string[] }[] };
}

/** The manifest of a member that joins a cluster which is there already; the flags count only while its data directory is empty. */
export function joiningManifest(manifest: string, cluster: string): string {
  const pod = parse(manifest) as StaticPod;
  const container = pod.spec.containers[0];
  if (!container) throw new RangeError("etcd's manifest has no container");
  const others = container.command.filter((word) => !word.startsWith("--initial-cluster"));
  container.command = [...others, `--initial-cluster=${cluster}`, "--initial-cluster-state=existing"];
  return stringify(pod, { lineWidth: 0 });
}
