import { worldFailed } from "#base/errors.ts";
import { type MachinePlan, machinesOf } from "#plan/plan.ts";
import { etcdMembers, isMemberOf, removeMember } from "../etcd.ts";
import { apiAnswers, apiServerReady, join, reset, stepUnderWay } from "../kubeadm.ts";
import { type NodeState, nodeStates } from "../nodes.ts";
import type { Change, Phase, SiteContext } from "../phase.ts";
import { running } from "../remote.ts";
import { waitFor } from "../wait.ts";
import { forgetNode } from "./workers.ts";

const ANSWER_SECONDS = 60;
const COMEBACK_SECONDS = 180;

/** One at a time, each seen to the end: etcd admits one learner, and a quorum is needed for the next. */
export const controlPlanes: Phase = {
  name: "control-planes",
  title: "Other control planes",
  concurrency: 1,
  changes: async (context) => {
    const planned = machinesOf(context.site, "controlplane");
    const states = await nodeStates(context, planned, await running(context));
    const joined = planned.filter(({ name }) => states.get(name) === "joined");
    const ready = await Promise.all(joined.map(({ name }) => apiServerReady(context, name)));
    const starting = joined.filter((_machine, index) => !ready[index]);
    const missing = planned.filter(
      (machine, index) => !joined.includes(machine) && (joined.length > 0 || index > 0),
    );
    return [
      ...starting.map((machine) => seeReady(context, machine)),
      ...missing.map((machine) => joining(context, machine, states.get(machine.name) ?? "blank")),
    ];
  },
};

/** After a power cut static pods come back on their own; the next step may need this one's vote. */
function seeReady(context: SiteContext, { name }: MachinePlan): Change {
  const apply = async () => {
    await waitFor(`the API server of ${name}`, COMEBACK_SECONDS, async () =>
      (await apiServerReady(context, name)) ? true : undefined,
    );
  };
  return { subject: name, what: "see its API server and etcd member ready", apply };
}

function joining(context: SiteContext, machine: MachinePlan, state: NodeState): Change {
  const what = state === "half" ? "clear what was cut off, then kubeadm join" : "kubeadm join";
  return { subject: machine.name, what, apply: () => joinControlPlane(context, machine, state) };
}

async function joinControlPlane(context: SiteContext, machine: MachinePlan, state: NodeState): Promise<void> {
  await apiAnswers(context, ANSWER_SECONDS);
  if (!(await stepUnderWay(context, machine.name, "join"))) await clear(context, machine, state);
  await join(context, machine);
}

/**
 * Clears a cut-off or lost predecessor of this machine: its data, its etcd
 * member, its node. The API answers here, so etcd has its quorum, and etcd
 * itself refuses a removal that would lose it.
 */
async function clear(context: SiteContext, machine: MachinePlan, state: NodeState): Promise<void> {
  if (state === "half") await reset(context, machine);
  const via = await joinedPeer(context, machine);
  for (const member of await etcdMembers(context, via.name)) {
    if (isMemberOf(member, machine)) await removeMember(context, via.name, member.id);
  }
  await forgetNode(context, machine);
}

async function joinedPeer(context: SiteContext, machine: MachinePlan): Promise<MachinePlan> {
  const peers = machinesOf(context.site, "controlplane").filter(({ name }) => name !== machine.name);
  const states = await nodeStates(context, peers, await running(context));
  const joined = peers.find(({ name }) => states.get(name) === "joined");
  if (joined) return joined;
  throw worldFailed("CONVERGE_NO_PEER", `no control plane of ${context.site.name} is there to join to.`);
}
