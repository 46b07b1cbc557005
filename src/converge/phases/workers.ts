import { type MachinePlan, machinesOf } from "#plan/plan.ts";
import { apiAnswers, join, reset, stepUnderWay } from "../kubeadm.ts";
import { type NodeState, nodeStates } from "../nodes.ts";
import type { Phase, SiteContext } from "../phase.ts";
import { running } from "../remote.ts";
import { NODES } from "../resources.ts";

const ANSWER_SECONDS = 60;

export const workers: Phase = {
  name: "workers",
  title: "Workers",
  concurrency: 8,
  changes: async (context) => {
    const planned = machinesOf(context.site, "worker");
    const states = await nodeStates(context, planned, await running(context));
    return planned
      .filter(({ name }) => states.get(name) !== "joined")
      .map((machine) => ({
        subject: machine.name,
        what:
          states.get(machine.name) === "half" ? "clear what was cut off, then kubeadm join" : "kubeadm join",
        apply: () => joinWorker(context, machine, states.get(machine.name) ?? "blank"),
      }));
  },
};

async function joinWorker(context: SiteContext, machine: MachinePlan, state: NodeState): Promise<void> {
  await apiAnswers(context, ANSWER_SECONDS);
  if (!(await stepUnderWay(context, machine.name, "join"))) {
    if (state === "half") await reset(context, machine);
    await forgetNode(context, machine);
  }
  await join(context, machine);
}

/** Removes the API's memory of a machine of this name that is gone; absent is fine. */
export async function forgetNode(context: SiteContext, machine: MachinePlan): Promise<void> {
  const kube = await context.kube();
  await kube.delete({ resource: NODES, name: machine.name });
}
