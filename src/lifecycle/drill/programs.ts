/**
 * Programs that are killed with SIGKILL on their machine. Killed alone, their
 * supervisor may start them again, which is what is measured; as a lost component
 * they are also held dead until the fault is taken back.
 */
import { HELD_FOLDER, startMember } from "#converge/etcd.ts";
import { must } from "#converge/remote.ts";
import type { MachinePlan, SitePlan } from "#plan/plan.ts";
import type { DrillSite, Fault } from "./fault.ts";

export interface Program {
  readonly kind: "haproxy" | "keepalived" | "etcd" | "apiserver" | "containerd";
  readonly roles: readonly MachinePlan["role"][];
  /** Its systemd unit, or its static pod's manifest and process. */
  readonly unit?: string;
  /** Whether only the unit's main process is the program; others in its group are what it started for others. */
  readonly mainOnly?: boolean;
  readonly pod?: { readonly manifest: string; readonly process: string };
}

export const PROGRAMS: readonly Program[] = [
  { kind: "haproxy", roles: ["ecam"], unit: "haproxy.service" },
  { kind: "keepalived", roles: ["ecam"], unit: "keepalived.service" },
  { kind: "etcd", roles: ["controlplane"], pod: { manifest: "etcd.yaml", process: "etcd" } },
  {
    kind: "apiserver",
    roles: ["controlplane"],
    pod: { manifest: "kube-apiserver.yaml", process: "kube-apiserver" },
  },
  { kind: "containerd", roles: ["controlplane", "worker"], unit: "containerd.service", mainOnly: true },
];

/** Kills the program once; whoever watches over it may start it again. */
export function killProgram(program: Program, site: SitePlan, machine: MachinePlan): Fault {
  return {
    id: `kill:${program.kind}/${machine.name}`,
    site: site.name,
    says: `kill -9 ${program.kind} on ${machine.name}`,
    loses: [],
    make: (ground) => kill(ground, program, machine.name),
    undo: (ground) => release(ground, program, machine.name),
  };
}

/** Kills the program and keeps it dead. */
export function holdProgram(program: Program, site: SitePlan, machine: MachinePlan): Fault {
  const id = `${program.kind}:${machine.name}`;
  return {
    id,
    site: site.name,
    says: `kill -9 ${program.kind} on ${machine.name} and keep it dead`,
    loses: [id],
    make: async (ground) => {
      await hold(ground, program, machine.name);
      await kill(ground, program, machine.name);
    },
    undo: (ground) => release(ground, program, machine.name),
  };
}

async function kill({ context }: DrillSite, program: Program, machine: string): Promise<void> {
  if (program.pod) await context.shell.run(machine, ["pkill", "-KILL", "-x", program.pod.process]);
  else {
    const whom = program.mainOnly ? "main" : "all";
    await must(context, machine, [
      "systemctl",
      "kill",
      "--signal=KILL",
      `--kill-whom=${whom}`,
      program.unit ?? "",
    ]);
  }
}

/** A drop-in below /run goes with a reboot, so a machine that loses its power forgets it. */
function dropIn(program: Program): string {
  return `/run/systemd/system/${program.unit ?? ""}.d/90-panopticon-drill.conf`;
}

const MOVE = 'mkdir -p "$(dirname "$2")" && if [ -e "$1" ]; then mv "$1" "$2"; fi';

function manifests(program: Program): readonly [string, string] {
  const name = program.pod?.manifest ?? "";
  return [`/etc/kubernetes/manifests/${name}`, `${HELD_FOLDER}/${name}`];
}

async function hold({ context }: DrillSite, program: Program, machine: string): Promise<void> {
  if (program.pod) {
    await must(context, machine, ["sh", "-c", MOVE, "sh", ...manifests(program)]);
    return;
  }
  const file = { path: dropIn(program), content: "[Service]\nRestart=no\n", mode: 0o644 };
  await context.shell.put(machine, [file]);
  await must(context, machine, ["systemctl", "daemon-reload"]);
}

/** Takes `hold` back and makes sure that the program runs again. */
async function release({ context }: DrillSite, program: Program, machine: string): Promise<void> {
  if (program.kind === "etcd") return await startMember(context, machine);
  if (program.pod) {
    await must(context, machine, ["sh", "-c", MOVE, "sh", ...manifests(program).toReversed()]);
    return;
  }
  const unit = program.unit ?? "";
  await must(context, machine, ["rm", "-f", dropIn(program)]);
  await must(context, machine, ["systemctl", "daemon-reload"]);
  await context.shell.run(machine, ["systemctl", "reset-failed", unit]);
  await must(context, machine, ["systemctl", "start", unit]);
}
