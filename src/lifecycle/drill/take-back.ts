/** What a drill puts up and what it makes, taken back: after each fault, at its end, and after a drill that was killed. */
import type { Emit } from "#base/events.ts";
import { waitFor } from "#converge/wait.ts";
import type { DrillSite, Fault } from "./fault.ts";
import { powerOn } from "./power.ts";
import { openEtcdProbe } from "./probes/etcd.ts";
import { deployService, entrances, removeService } from "./service.ts";
import type { DrillState } from "./state.ts";

const UNDO_SECONDS = 120;

/** Takes a fault back; a machine that is only just starting is asked again. */
export async function undo(ground: DrillSite, fault: Fault): Promise<void> {
  await waitFor(`${fault.id} to be taken back`, UNDO_SECONDS, async () => {
    await fault.undo(ground);
    return true;
  });
  await openRouter(ground);
}

/**
 * Takes back whatever a drill that was killed has left at these sites, as far as
 * its state tells; nothing where it left nothing. `known` are all faults there are.
 */
export async function takeBack(
  sites: readonly DrillSite[],
  state: DrillState,
  faultOf: (id: string) => Fault | undefined,
  emit: Emit,
): Promise<void> {
  if (!state.open()) return;
  const faults = (await state.active()).map(faultOf).filter((fault) => fault !== undefined);
  for (const { id } of faults)
    emit({ kind: "note", subject: id, what: "a drill that was killed left this fault; it is taken back" });
  await Promise.all(
    sites.map(async (ground) => {
      await ground.faults.restore(ground.context.site);
      await powerOn(ground, ground.context.site.machines);
    }),
  );
  for (const fault of faults) {
    const ground = sites.find(({ context }) => context.site.name === fault.site);
    if (ground) await undo(ground, fault);
  }
  await closeService(sites);
  await state.close();
}

export async function openService(sites: readonly DrillSite[]): Promise<void> {
  await Promise.all(
    sites.map(async (ground) => {
      await deployService(await ground.context.kube(), ground.context.site);
      await openRouter(ground);
    }),
  );
}

/** The router passes the test service on; one that came back has forgotten it. */
async function openRouter({ context, faults }: DrillSite): Promise<void> {
  await faults.forward(context.site, entrances(context.site));
}

/** Takes the test service and the numbered keys away; a site that does not answer keeps them, and is said by its own errors. */
export async function closeService(sites: readonly DrillSite[]): Promise<void> {
  await Promise.all(
    sites.map(async ({ context, faults }) => {
      await faults.forward(context.site, []);
      await waitFor(`the API of ${context.site.name}`, UNDO_SECONDS, async () => {
        await removeService(await context.kube());
        return true;
      });
      await (await openEtcdProbe(context.site, context.keyring, context.now())).stop();
    }),
  );
}
