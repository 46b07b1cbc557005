/** The etcd members of a site, asked and changed through a control plane that has joined. */
import type { MachinePlan } from "#plan/plan.ts";
import type { SiteContext } from "./phase.ts";
import { must } from "./remote.ts";

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

interface MemberList {
  readonly members: readonly {
    ID: number | bigint;
    name?: string;
    peerURLs: string[];
    isLearner?: boolean;
  }[];
}

/** The members as the machine `via` knows them; needs no quorum. */
export async function etcdMembers(context: SiteContext, via: string): Promise<readonly EtcdMember[]> {
  const out = await must(
    context,
    via,
    [...ETCDCTL, "member", "list", "--consistency=s", "--hex", "--write-out=json"],
    15,
  );
  const list = JSON.parse(out) as MemberList;
  return list.members.map((member) => ({
    id: String(member.ID),
    name: member.name ?? "",
    peerUrls: member.peerURLs,
    learner: member.isLearner ?? false,
  }));
}

/** Whether a member is this machine's: by name, or by its peer URL where it never started. */
export function isMemberOf(member: EtcdMember, machine: MachinePlan): boolean {
  return member.name === machine.name || member.peerUrls.includes(`https://${machine.address}:2380`);
}

/** Takes a member out of the cluster; etcd itself refuses where that would lose the quorum. */
export async function removeMember(context: SiteContext, via: string, id: string): Promise<void> {
  await must(context, via, [...ETCDCTL, "member", "remove", id], 30);
}
