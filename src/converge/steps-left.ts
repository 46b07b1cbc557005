import { apiReady } from "./kubeadm.ts";
import type { Change, SiteContext } from "./phase.ts";
import type { Step } from "./step.ts";

/** The steps that are not done, in their order; all of them where the API can't be asked yet. */
export async function stepsLeft(context: SiteContext, steps: readonly Step[]): Promise<readonly Change[]> {
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
