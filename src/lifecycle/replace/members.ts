/** etcd of a site as it can be asked while a server is dead. */
import { PanopticonError } from "#base/errors.ts";
import { type EtcdMember, etcdMembers, memberAnswers } from "#converge/etcd.ts";
import type { SiteContext } from "#converge/phase.ts";
import { running } from "#converge/remote.ts";
import { machinesOf } from "#plan/plan.ts";
import { demandQuorum, type Votes, votesOf } from "./quorum.ts";

export interface Membership {
  readonly members: readonly EtcdMember[];
  readonly votes: Votes;
  /** A machine whose member answers; undefined where none does. */
  readonly via: string | undefined;
}

/** @param gone names of machines that are not asked, since they are their dead predecessors yet. */
async function membership(context: SiteContext, gone: ReadonlySet<string>): Promise<Membership> {
  const up = await running(context);
  const planned = machinesOf(context.site, "controlplane");
  const asked = planned.filter(({ name }) => up.has(name) && !gone.has(name));
  const answers = await Promise.all(asked.map(({ name }) => memberAnswers(context, name)));
  const well = new Set(asked.filter((_machine, index) => answers[index]).map(({ name }) => name));
  const members = await listed(context, [...well, ...asked.map(({ name }) => name)]);
  return { members, votes: votesOf(members, planned, well), via: [...well][0] };
}

/** The list of the first that gives one: it needs no quorum. */
async function listed(context: SiteContext, machines: readonly string[]): Promise<readonly EtcdMember[]> {
  for (const machine of machines) {
    try {
      return await etcdMembers(context, machine);
    } catch (error) {
      if (!(error instanceof PanopticonError)) throw error;
    }
  }
  return [];
}

const PAUSE_MS = 1000;

/** Waits for the quorum, which a busy member may hold up; SERVER_REPLACE_NO_QUORUM where it does not come. */
export async function seeQuorum(
  context: SiteContext,
  gone: ReadonlySet<string>,
  seconds: number,
): Promise<Membership & { readonly via: string }> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await membership(context, gone);
    const { via, votes } = found;
    if (via !== undefined && votes.well >= votes.needed) return { ...found, via };
    if (Date.now() > end) {
      demandQuorum(context.site.name, votes);
      throw new RangeError("etcd has its quorum and no member that answers");
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
