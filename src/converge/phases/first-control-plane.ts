import { type MachinePlan, machinesOf } from "#plan/plan.ts";
import { apiAnswers, apiReady, init, reset, stepUnderWay } from "../kubeadm.ts";
import { type NodeState, nodeStates } from "../nodes.ts";
import type { Change, Phase, SiteContext } from "../phase.ts";
import { running } from "../remote.ts";

/** From kubeadm's end to an answer through the VIP; HAProxy looks several times a second. */
const ANSWER_SECONDS = 60;
/** Static pods of a site that lost its power come back on their own. */
const COMEBACK_SECONDS = 180;

export const firstControlPlane: Phase = {
  name: "first-control-plane",
  title: "First control plane",
  concurrency: 1,
  changes: async (context) => {
    const planned = machinesOf(context.site, "controlplane");
    const up = await running(context);
    const states = await nodeStates(context, planned, up);
    const joined = planned.filter(({ name }) => states.get(name) === "joined");
    if (joined.length > 0) return (await apiReady(context)) ? [] : [comeback(context, joined)];
    const first = planned[0];
    return first ? [initialise(context, first, states.get(first.name) ?? "blank")] : [];
  },
};

/** The cluster exists but does not answer: its machines have just started. */
function comeback(context: SiteContext, joined: readonly MachinePlan[]): Change {
  return {
    subject: context.site.name,
    what: `wait for the API to come back on ${joined.map(({ name }) => name).join(", ")}`,
    apply: () => apiAnswers(context, COMEBACK_SECONDS),
  };
}

function initialise(context: SiteContext, machine: MachinePlan, state: NodeState): Change {
  return {
    subject: machine.name,
    what: state === "half" ? "clear what was cut off, then kubeadm init" : "kubeadm init",
    apply: async () => {
      if (state === "half" && !(await stepUnderWay(context, machine.name, "init"))) {
        await reset(context, machine);
      }
      await init(context, machine);
      await apiAnswers(context, ANSWER_SECONDS);
    },
  };
}
