/** etcd's votes, before and after members leave: pure. */
import { PanopticonError } from "#base/errors.ts";
import type { EtcdMember } from "#converge/etcd.ts";
import { isMemberOf } from "#converge/etcd.ts";
import type { MachinePlan } from "#plan/plan.ts";

/** How an etcd cluster stands. */
export interface Votes {
  readonly voters: number;
  /** Voters that answer. */
  readonly well: number;
  /** Voters that have to answer for anything to be written. */
  readonly needed: number;
}

/**
 * @param well names of the planned machines whose member answers.
 */
export function votesOf(
  members: readonly EtcdMember[],
  planned: readonly MachinePlan[],
  well: ReadonlySet<string>,
): Votes {
  const voting = members.filter(({ learner }) => !learner);
  const answering = planned.filter(
    (machine) => well.has(machine.name) && voting.some((member) => isMemberOf(member, machine)),
  );
  return { voters: voting.length, well: answering.length, needed: Math.floor(voting.length / 2) + 1 };
}

/** In words: "2 voting members, 2 of them well; 2 have to be". */
export function votesSay({ voters, well, needed }: Votes): string {
  const members = `${voters} voting member${voters === 1 ? "" : "s"}`;
  const spare = well - needed;
  const more = spare > 0 ? `${spare} more may fail` : "none more may fail until the new one votes";
  return `${members}, ${well} of them well; ${more}`;
}

/** SERVER_REPLACE_NO_QUORUM (exit 3) where so few answer that nothing can be written, so that no member can leave. */
export function demandQuorum(site: string, votes: Votes): void {
  const { voters, well, needed } = votes;
  if (voters > 0 && well >= needed) return;
  throw new PanopticonError(
    [
      {
        code: "SERVER_REPLACE_NO_QUORUM",
        subject: site,
        message: `etcd of ${site} has lost its quorum: ${well} of ${voters} voting members answer, and ${needed} have to. Members can leave and join only while it has one.`,
        hint: "Bring another control plane of the site back first (`panopticon status` and `apply --dry-run` say which are away). Where their disks are lost for good, etcd has to be restored from a snapshot.",
      },
    ],
    3,
  );
}

/** What the cluster's list of members says of a machine that moves, and what is on its disk. */
export type Standing =
  /** A started member that votes, and the data is on the disk: the new machine has joined. */
  | "joined"
  /** Neither: nothing stands in the way of its join. */
  | "needs-join"
  /** One without the other, or a learner, or a member that never started: it has to go first. */
  | "orphan";

/** @param data whether its disk holds what a joined machine's does; false where it does not run. */
export function standingOf(member: EtcdMember | undefined, data: boolean): Standing {
  if (!member) return data ? "orphan" : "needs-join";
  return data && member.name !== "" && !member.learner ? "joined" : "orphan";
}

/** Members that never started and that no planned machine will ever be: they count as votes and never answer. */
export function nobodys(
  members: readonly EtcdMember[],
  planned: readonly MachinePlan[],
): readonly EtcdMember[] {
  return members.filter(
    (member) => member.name === "" && !planned.some((machine) => isMemberOf(member, machine)),
  );
}
