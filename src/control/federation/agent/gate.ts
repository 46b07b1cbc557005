/** While an API is away, work on it waits for its return as one, instead of failing piece by piece with growing pauses. */
import { pause } from "#control/runtime/clock.ts";
import type { Context, Controller } from "#control/runtime/controller.ts";
import { KubeError } from "#ports/kube.ts";
import type { Clock } from "#control/runtime/clock.ts";

const LOOK_MS = 100;
const ANSWER_SECONDS = 2;
const SHUT = { afterSeconds: 0.1 };

/** The controller, whose work rests while `cluster` does not answer. */
export function resting(controller: Controller, cluster: string, clock: Clock): Controller {
  let shut = false;
  const watchFor = async (context: Context): Promise<void> => {
    if (shut) return;
    shut = true;
    while (!context.signal.aborted && !(await answers(context, cluster)))
      await pause(clock, LOOK_MS, context.signal);
    shut = false;
  };
  return {
    ...controller,
    async reconcile(work, context, signal) {
      if (shut) return SHUT;
      try {
        return await controller.reconcile(work, context, signal);
      } catch (error) {
        const away = error instanceof KubeError && error.status === 0 && !(await answers(context, cluster));
        if (!away) throw error;
        void watchFor(context);
        return SHUT;
      }
    },
  };
}

async function answers(context: Context, cluster: string): Promise<boolean> {
  try {
    const options = { timeoutSeconds: ANSWER_SECONDS, signal: context.signal };
    return (await context.kube(cluster).raw("/readyz", options)).status === 200;
  } catch {
    return false;
  }
}
