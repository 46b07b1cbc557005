import type { Step } from "../federation.ts";
import { apiReady } from "../kubeadm.ts";
import type { Change, Phase, SiteContext } from "../phase.ts";

/** Resources, rights, the fence, the crown where it belongs, and the agents. */
export const federation: Phase = {
  name: "federation",
  title: "Federation",
  concurrency: 1,
  changes: (context) => stepsLeft(context, context.federation?.installs ?? []),
};

/** What the steps before have brought about: agents that run, a hub that hears them. */
export const membership: Phase = {
  name: "membership",
  title: "Membership",
  concurrency: 1,
  changes: (context) => stepsLeft(context, context.federation?.joins ?? []),
};

/** The steps that are not done; all of them where the API can't be asked yet. */
async function stepsLeft(context: SiteContext, steps: readonly Step[]): Promise<readonly Change[]> {
  if (steps.length === 0) return [];
  const known = (await context.keyring.complete()) && (await apiReady(context));
  const done = known ? await doneAt(context, steps) : steps.map(() => false);
  return steps
    .filter((_step, index) => !done[index])
    .map(({ what, take }) => ({
      subject: context.site.name,
      what,
      apply: async () => take(await context.kube()),
    }));
}

async function doneAt(context: SiteContext, steps: readonly Step[]): Promise<readonly boolean[]> {
  const kube = await context.kube();
  return Promise.all(steps.map((step) => step.isDone(kube)));
}
