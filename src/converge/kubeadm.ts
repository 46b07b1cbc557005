/**
 * kubeadm's steps on a machine. Each runs as a systemd unit of the machine, so
 * that it goes to its end when this program is killed, and a second run that
 * starts the same unit just waits for the first.
 */
import { worldFailed } from "#base/errors.ts";
import type { MachinePlan } from "#plan/plan.ts";
import { bringFiles } from "./phases/files.ts";
import { KubeError } from "#ports/kube.ts";
import type { SiteContext } from "./phase.ts";
import { waitFor } from "./wait.ts";

const STEP_SECONDS = 600;
const BOOTSTRAP = "/etc/panopticon/bootstrap.conf";

type Step = "init" | "join" | "reset";

/** Runs one step to its end; an error carries the last words of kubeadm. */
async function runStep(context: SiteContext, machine: string, step: Step): Promise<void> {
  const unit = `panopticon-${step}.service`;
  const result = await context.shell.run(machine, ["systemctl", "start", unit], {
    timeoutSeconds: STEP_SECONDS,
  });
  if (result.code === 0) return;
  const log = await context.shell.run(machine, [
    "journalctl",
    "-u",
    unit,
    "-n",
    "20",
    "-o",
    "cat",
    "--no-pager",
  ]);
  throw worldFailed(
    "CONVERGE_KUBEADM",
    `${machine}: kubeadm ${step} failed: ${log.stdout.trim() || result.stderr.trim()}`,
    "The whole log: `panopticon lab shell " + machine + "`, then `journalctl -u " + unit + "`.",
  );
}

/** Whether a step is under way on a machine, started by a run that was killed since. */
export async function stepUnderWay(context: SiteContext, machine: string, step: Step): Promise<boolean> {
  const { stdout } = await context.shell.run(machine, [
    "systemctl",
    "is-active",
    `panopticon-${step}.service`,
  ]);
  return stdout.trim() === "activating";
}

/** `kubeadm init`; the first control plane of a cluster's life. */
export function init(context: SiteContext, machine: MachinePlan): Promise<void> {
  return runStep(context, machine.name, "init");
}

/** `kubeadm join` with credentials that live for the hour and are gone from the disk afterwards. */
export async function join(context: SiteContext, machine: MachinePlan): Promise<void> {
  const content = await context.keyring.bootstrapKubeconfig(context.now());
  await context.shell.put(machine.name, [{ path: BOOTSTRAP, content, mode: 0o600 }]);
  await runStep(context, machine.name, "join");
  await context.shell.run(machine.name, ["rm", "-f", BOOTSTRAP]);
}

/** Clears what a step that was cut off has left, and brings the files back that go with it. */
export async function reset(context: SiteContext, machine: MachinePlan): Promise<void> {
  await runStep(context, machine.name, "reset");
  await bringFiles(context, machine);
}

/** Whether a control plane's own API server, and with it its etcd member, is ready. */
export async function apiServerReady(context: SiteContext, machine: string): Promise<boolean> {
  const url = `https://127.0.0.1:${context.site.endpoint.port}/readyz`;
  const quietly = ["--fail", "--silent", "--max-time", "3", "--output", "/dev/null"];
  const argv = ["curl", "--cacert", "/etc/kubernetes/pki/ca.crt", ...quietly, url];
  const { code } = await context.shell.run(machine, argv);
  return code === 0;
}

/** Waits until the site's API answers through the VIP. */
export async function apiAnswers(context: SiteContext, seconds: number): Promise<void> {
  const { name, network } = context.site;
  await waitFor(`the API of ${name} at ${network.vip}`, seconds, async () =>
    (await apiReady(context)) ? true : undefined,
  );
}

/** Whether the site's API answers through the VIP now. */
export async function apiReady(context: SiteContext): Promise<boolean> {
  const kube = await context.kube();
  try {
    return (await kube.raw("/readyz", { timeoutSeconds: 3 })).status === 200;
  } catch (error) {
    if (error instanceof KubeError) return false;
    throw error;
  }
}
