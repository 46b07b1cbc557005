import type { MachinePlan } from "#plan/plan.ts";
import type { MachineSettings, SettingsDrift } from "#ports/settings.ts";
import { apiServerReady } from "../kubeadm.ts";
import type { Change, Phase, SiteContext } from "../phase.ts";
import { until, waitFor } from "../wait.ts";
import { machines } from "./machines.ts";

/** A machine that was shut down in order and boots. */
const ANSWER_SECONDS = 600;
/** An API server that has its etcd member back. */
const SERVE_SECONDS = 300;

/** Memory, processors and disks that somebody or a newer plan has changed. One machine at a time. */
export const settings: Phase = {
  name: "settings",
  title: "Settings of machines",
  concurrency: 1,
  changes: async (context) => {
    const { settings: kept, site } = context;
    if (!kept) return [];
    const drifted = (await kept.drift(site)).flatMap((drift) => {
      const machine = site.machines.find(({ name }) => name === drift.machine);
      return machine ? [change(context, kept, machine, drift)] : [];
    });
    // A restart that failed half-way has left its machine off.
    return [...(await machines.changes(context)), ...drifted];
  },
};

function change(
  context: SiteContext,
  kept: MachineSettings,
  machine: MachinePlan,
  { what, restart }: SettingsDrift,
): Change {
  const subject = machine.name;
  const words = what.join("; ");
  if (!restart) {
    return { subject, what: `set as planned: ${words}`, apply: () => kept.mend(context.site, machine) };
  }
  return {
    subject,
    what: `restart as planned: ${words}`,
    interrupts: [subject],
    apply: () => restarted(context, kept, machine),
  };
}

/** Returns once the machine does again what it did before, so that the next one may go. */
async function restarted(context: SiteContext, kept: MachineSettings, machine: MachinePlan): Promise<void> {
  const { name, address, role } = machine;
  const served = role === "controlplane" && (await serves(context, name));
  await kept.mend(context.site, machine);
  await waitFor(`${name} to answer at ${address}`, ANSWER_SECONDS, async () => {
    const { code } = await context.shell.run(name, ["true"], { timeoutSeconds: 10 });
    return code === 0 ? true : undefined;
  });
  if (served) await until(`the API server of ${name}`, SERVE_SECONDS, () => apiServerReady(context, name));
}

/** Whether it is to have an API server, whatever that does now. */
export async function serves({ shell }: SiteContext, name: string): Promise<boolean> {
  const { code } = await shell.run(name, ["test", "-e", "/etc/kubernetes/manifests/kube-apiserver.yaml"], {
    timeoutSeconds: 30,
  });
  return code === 0;
}
