/** What a site is like now, from its machines and its API alone; nothing here changes anything. */
import { PanopticonError } from "#base/errors.ts";
import { type MachinePlan, machinesOf } from "#plan/plan.ts";
import { etcdMembers, isMemberOf } from "./etcd.ts";
import { apiServerReady } from "./kubeadm.ts";
import type { SiteContext } from "./phase.ts";
import { holdersOfVip } from "./phases/ecams.ts";
import { readyNodes } from "./phases/network.ts";
import { running } from "./remote.ts";

export interface MachineStatus {
  readonly name: string;
  readonly role: string;
  readonly server: string;
  readonly address: string;
  readonly state: "running" | "off";
  /** What its role says of it: `Ready`, `NotReady`, `holds the VIP`, `stands by`; empty where it cannot be asked. */
  readonly health: string;
  readonly well: boolean;
}

export interface SiteStatus {
  readonly name: string;
  readonly vip: string;
  readonly api: "answers" | "does not answer";
  /** Names of the ECAMs that hold the VIP; one is right. */
  readonly holders: readonly string[];
  /** Voting members of etcd and how many were planned; undefined where nobody could be asked. */
  readonly etcd: { readonly voting: number; readonly planned: number } | undefined;
  /** How pods reach each other. */
  readonly network: string;
  /** Of how many of the site's nodes metrics-server has figures; undefined where it does not answer, or is not there. */
  readonly measured: number | undefined;
  readonly machines: readonly MachineStatus[];
  readonly well: boolean;
}

/** A site's state; a machine that cannot be asked is unwell, not an error. */
export async function siteStatus(context: SiteContext): Promise<SiteStatus> {
  const { site } = context;
  const up = await running(context);
  const [holders, ready, etcd, measured] = await Promise.all([
    orUndefined(() => holdersOfVip(context, up)).then((names) => names ?? []),
    orUndefined(() => readyNodes(context)),
    votingMembers(context, up),
    orUndefined(() => measuredNodes(context)),
  ]);
  const serving = await servingControlPlanes(context, up);
  const machines = site.machines.map((machine) => machineStatus(machine, up, { holders, ready, serving }));
  const voting = etcd?.voting === etcd?.planned && etcd !== undefined;
  return {
    name: site.name,
    vip: site.network.vip,
    api: ready ? "answers" : "does not answer",
    holders,
    etcd,
    network: "bridge plugin with a route per node (Calico needs images this lab cannot pull)",
    measured,
    machines,
    well: ready !== undefined && holders.length === 1 && voting && machines.every(({ well }) => well),
  };
}

interface Seen {
  readonly holders: readonly string[];
  /** Ready nodes; undefined where the API does not answer. */
  readonly ready: ReadonlySet<string> | undefined;
  /** Control planes whose own API server is ready. */
  readonly serving: ReadonlySet<string>;
}

function machineStatus(
  machine: MachinePlan,
  up: ReadonlySet<string>,
  { holders, ready, serving }: Seen,
): MachineStatus {
  const { name, role, server, address } = machine;
  const state = up.has(name) ? "running" : "off";
  const base = { name, role, server, address, state } as const;
  if (state === "off") return { ...base, health: "", well: false };
  if (role === "ecam")
    return { ...base, health: holders.includes(name) ? "holds the VIP" : "stands by", well: true };
  if (role === "controlplane" && !serving.has(name)) {
    return { ...base, health: "its API server is not ready", well: false };
  }
  if (!ready) return { ...base, health: "", well: false };
  return { ...base, health: ready.has(name) ? "Ready" : "NotReady", well: ready.has(name) };
}

/** As `kubectl top nodes` asks; undefined where the API knows of no metrics. */
async function measuredNodes(context: SiteContext): Promise<number | undefined> {
  const kube = await context.kube();
  const { status, text } = await kube.raw("/apis/metrics.k8s.io/v1beta1/nodes", { timeoutSeconds: 5 });
  if (status !== 200) return undefined;
  return (JSON.parse(text) as { readonly items?: readonly unknown[] }).items?.length ?? 0;
}

async function servingControlPlanes(
  context: SiteContext,
  up: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const asked = machinesOf(context.site, "controlplane").filter(({ name }) => up.has(name));
  const answers = await Promise.all(
    asked.map(({ name }) => orUndefined(() => apiServerReady(context, name))),
  );
  return new Set(asked.filter((_machine, index) => answers[index]).map(({ name }) => name));
}

async function votingMembers(
  context: SiteContext,
  up: ReadonlySet<string>,
): Promise<{ voting: number; planned: number } | undefined> {
  const planned = machinesOf(context.site, "controlplane");
  for (const { name } of planned.filter((machine) => up.has(machine.name))) {
    const members = await orUndefined(() => etcdMembers(context, name));
    if (!members) continue;
    const voting = planned.filter((machine) =>
      members.some((member) => !member.learner && member.name !== "" && isMemberOf(member, machine)),
    );
    return { voting: voting.length, planned: planned.length };
  }
  return undefined;
}

/** The answer, or undefined where the world did not give one. */
async function orUndefined<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof PanopticonError) return undefined;
    throw error;
  }
}
