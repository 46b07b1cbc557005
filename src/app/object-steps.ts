/** Steps that are objects: compared with what is there, and applied. */
import { allApplied, applyAll } from "#converge/objects.ts";
import type { Step } from "#converge/step.ts";
import { until } from "#converge/wait.ts";
import { type Applied, type Kube, KubeError, type KubeObject } from "#ports/kube.ts";
import type { ManifestObject } from "#render/addons/metallb.ts";

/** A pod that starts on a box that boots others, and an API that has yet to learn a definition. */
export const READY_SECONDS = 300;

/**
 * @param objects what shall be there; where `make` is false nothing may be made
 * for it, and undefined says that something has to be
 */
export function objectsStep(
  what: string,
  objects: (make: boolean, kube: Kube) => Promise<readonly ManifestObject[] | undefined>,
): Step {
  const wanted: (make: boolean, kube: Kube) => Promise<readonly Applied<KubeObject>[] | undefined> = objects;
  return {
    what,
    isDone: async (kube) => {
      const present = await wanted(false, kube);
      return present !== undefined && canTell(() => allApplied(kube, present));
    },
    take: (kube) =>
      // What an API refuses whose definitions or webhooks are only coming, it takes later.
      until(`the API to take what is to ${what}`, READY_SECONDS, async () => {
        await applyAll(kube, (await wanted(true, kube)) ?? []);
        return true;
      }),
  };
}

/** An API that can't say it yet, since a webhook of its own is only coming back, counts as one that lacks it. */
async function canTell(ask: () => Promise<boolean>): Promise<boolean> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof KubeError) return false;
    throw error;
  }
}
