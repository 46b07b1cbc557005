import type { MachinePlan } from "#plan/plan.ts";
import type { RenderedFile } from "#render/files.ts";
import { renderMachine } from "#render/machine.ts";
import type { Change, Phase, SiteContext } from "../phase.ts";
import { differing, inactive, must, running } from "../remote.ts";

export const files: Phase = {
  name: "files",
  title: "Files and services",
  concurrency: 16,
  changes: async (context) => {
    const up = await running(context);
    const changes = await Promise.all(
      context.site.machines.map((machine) => machineChanges(context, machine, up.has(machine.name))),
    );
    return changes.flat();
  },
};

async function machineChanges(context: SiteContext, machine: MachinePlan, up: boolean): Promise<Change[]> {
  const subject = machine.name;
  if (!up) return [{ subject, what: "write all files", apply: () => bringFiles(context, machine) }];
  const wanted = await machineFiles(context, machine);
  const [stale, down] = await Promise.all([
    differing(context, machine, wanted),
    inactive(context, machine.name, servicesOf(machine)),
  ]);
  if (stale.length === 0 && down.length === 0) return [];
  const what = stale.length > 0 ? `write ${count(stale.length, "file")}` : `start ${down.join(", ")}`;
  return [{ subject, what, apply: () => bringFiles(context, machine) }];
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** Everything a machine must hold: what is rendered from the plan, and its keys. */
export async function machineFiles(
  { plan, site, platform, keyring }: SiteContext,
  machine: MachinePlan,
): Promise<readonly RenderedFile[]> {
  return [...renderMachine(plan, site, machine, platform), ...(await keyring.files(machine.role))];
}

/** Writes what differs, then restarts what reads it. A killed run leaves a difference, or a service that is not active. */
export async function bringFiles(context: SiteContext, machine: MachinePlan): Promise<void> {
  const stale = await differing(context, machine, await machineFiles(context, machine));
  if (stale.length > 0) await context.shell.put(machine.name, stale);
  const paths = stale.map((file) => file.path);
  for (const command of reactions(machine, paths)) await must(context, machine.name, command, 120);
}

/** Long-running services of a role; kubelet is not one, it waits for kubeadm. */
export function servicesOf(machine: MachinePlan): readonly string[] {
  return machine.role === "ecam"
    ? ["haproxy.service", "keepalived.service"]
    : ["panopticon-masquerade.service", "containerd.service"];
}

/** What to run after these paths were written: each service sees its own files at once, and no other is disturbed. */
function reactions(machine: MachinePlan, paths: readonly string[]): readonly (readonly string[])[] {
  const changed = (prefix: string) => paths.some((path) => path.startsWith(prefix));
  const commands: string[][] = [];
  if (changed("/etc/systemd/system/")) commands.push(["systemctl", "daemon-reload"]);
  if (changed("/etc/systemd/network/")) {
    commands.push(["networkctl", "reload"], ["networkctl", "reconfigure", "--all"]);
  }
  return commands;
}
