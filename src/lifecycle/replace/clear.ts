/**
 * Takes away what a dead server's machines have left in the cluster: etcd
 * members, Node objects with their pods, disks. One machine after the other, each
 * step to be killed and taken again.
 */
import { PanopticonError } from "#base/errors.ts";
import { isMemberOf, removeMember } from "#converge/etcd.ts";
import type { Gate } from "#converge/gate.ts";
import { apiReady } from "#converge/kubeadm.ts";
import { nodeStates } from "#converge/nodes.ts";
import type { Change, SiteContext } from "#converge/phase.ts";
import { running } from "#converge/remote.ts";
import { NODES, PODS } from "#converge/resources.ts";
import type { MachinePlan } from "#plan/plan.ts";
import type { Kube } from "#ports/kube.ts";
import { seeQuorum } from "./members.ts";
import { nobodys, standingOf, votesSay } from "./quorum.ts";

/** Shown as a phase. */
export const CLEAR = "clear";

/** A member that answers late is no lost one. */
const QUORUM_SECONDS = 30;
/** The other ECAM takes the address over in a third of a second. */
const API_SECONDS = 20;

export interface Clearing {
  readonly context: SiteContext;
  readonly gate: Gate;
  /** Machines of the dead server of which something may be left. */
  readonly gone: ReadonlySet<string>;
}

/** Takes out members that nobody will ever be; gives the number of changes. */
export async function clearNobodys({ context, gate, gone }: Clearing): Promise<number> {
  const { site } = context;
  const { members } = await seeQuorum(context, gone, QUORUM_SECONDS);
  const strays = nobodys(members, site.machines);
  for (const { id, peerUrls } of strays) {
    await gate.pass(site.name, CLEAR, {
      subject: site.name,
      what: `take out the etcd member ${id} (${peerUrls.join(", ")}), which never started and is nobody's`,
      apply: () => takeOut(context, gone, id),
    });
  }
  return strays.length;
}

/** Takes away what is left of one machine; gives the number of changes. */
export async function clearMachine(clearing: Clearing, machine: MachinePlan): Promise<number> {
  const { context, gate } = clearing;
  const changes = [
    ...(machine.role === "controlplane" ? await memberChanges(clearing, machine) : []),
    ...(machine.role === "ecam" ? [] : await nodeChanges(context, machine)),
    ...(await diskChanges(context, machine)),
  ];
  for (const change of changes) await gate.pass(context.site.name, CLEAR, change);
  return changes.length;
}

async function memberChanges({ context, gone }: Clearing, machine: MachinePlan): Promise<readonly Change[]> {
  const { members, votes } = await seeQuorum(context, gone, QUORUM_SECONDS);
  return members
    .filter((member) => isMemberOf(member, machine))
    .map(({ id, learner, name }) => {
      const left = learner ? votes : { ...votes, ...without(votes.voters - 1) };
      const kind = name === "" ? "which never started" : learner ? "a learner" : "which votes";
      return {
        subject: machine.name,
        what: `take its etcd member ${id}, ${kind}, out: then ${votesSay(left)}`,
        interrupts: [machine.name],
        apply: () => takeOut(context, gone, id),
      };
    });
}

function without(voters: number) {
  return { voters, needed: Math.floor(voters / 2) + 1 };
}

/** With the quorum seen before and after; a member that is gone already is no failure. */
async function takeOut(context: SiteContext, gone: ReadonlySet<string>, id: string): Promise<void> {
  const { members, via } = await seeQuorum(context, gone, QUORUM_SECONDS);
  if (members.some((member) => member.id === id)) await removeMember(context, via, id);
  await seeQuorum(context, gone, QUORUM_SECONDS);
}

/** Its Node object and its pods. Where the API can't be asked, the phases forget the node before it joins again. */
async function nodeChanges(context: SiteContext, { name }: MachinePlan): Promise<readonly Change[]> {
  if (!(await apiComes(context))) return [];
  const kube = await context.kube();
  const [node, pods] = await Promise.all([kube.find({ resource: NODES, name }), podsOn(kube, name)]);
  if (!node && pods.length === 0) return [];
  const what =
    pods.length === 0
      ? "delete its Node object"
      : `delete its Node object and the ${pods.length} pods that ran there, which are gone`;
  return [{ subject: name, what, interrupts: [name], apply: () => forget(kube, name) }];
}

/** The node first: what would be made there again finds none. Nobody is left to end its pods in order. */
async function forget(kube: Kube, name: string): Promise<void> {
  await kube.delete({ resource: NODES, name });
  for (const { metadata } of await podsOn(kube, name)) {
    const { namespace = "", name: pod = "" } = metadata ?? {};
    await kube.delete({ resource: PODS, namespace, name: pod }, { graceSeconds: 0 });
  }
}

async function podsOn(kube: Kube, node: string) {
  return (await kube.list({ resource: PODS }, { fieldSelector: `spec.nodeName=${node}` })).items;
}

async function apiComes(context: SiteContext): Promise<boolean> {
  const end = Date.now() + API_SECONDS * 1000;
  for (;;) {
    if (await apiReady(context)) return true;
    if (Date.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function diskChanges(context: SiteContext, { name }: MachinePlan): Promise<readonly Change[]> {
  const { hypervisor, site } = context;
  const left = (await hypervisor.observe(site)).some((machine) => machine.name === name);
  if (!left) return [];
  return [
    {
      subject: name,
      what: "throw away what is left of its disks",
      interrupts: [name],
      apply: () => hypervisor.remove(site, name),
    },
  ];
}

/**
 * SERVER_REPLACE_DISKS (exit 2) where a real server that is to take over holds
 * disks of these machines: it is no new hardware, and what is on it may be the last copy.
 */
export async function demandBlank(
  { hypervisor, site, platform }: SiteContext,
  machines: readonly MachinePlan[],
  server: string,
): Promise<void> {
  if (platform.name === "lab") return;
  const there = new Set((await hypervisor.observe(site)).map(({ name }) => name));
  const held = machines.filter(({ name }) => there.has(name)).map(({ name }) => name);
  if (held.length === 0) return;
  throw new PanopticonError(
    [
      {
        code: "SERVER_REPLACE_DISKS",
        subject: `${site.name}/${server}`,
        message: `${server} of ${site.name} has ${held.join(", ")} on its disks: it is no new server.`,
        hint: "`panopticon apply` starts them again. If their disks are spoilt, remove the machines there first (`xl destroy`, then their volumes and files).",
      },
    ],
    2,
  );
}

/**
 * Machines that have taken their predecessors' places, as they stand now. One whose
 * disk says that it joined while etcd does not know it can't come back by itself:
 * it is made anew. Gives the number of changes.
 */
export async function clearOrphans(
  { context, gate, gone }: Clearing,
  machines: readonly MachinePlan[],
): Promise<number> {
  const planned = machines.filter(({ role }) => role === "controlplane");
  if (planned.length === 0) return 0;
  const { members } = await seeQuorum(context, gone, QUORUM_SECONDS);
  const states = await nodeStates(context, planned, await running(context));
  let changes = 0;
  for (const machine of planned) {
    const member = members.find((each) => isMemberOf(each, machine));
    const data = states.get(machine.name) === "joined";
    const standing = standingOf(member, data);
    context.emit({ kind: "note", subject: machine.name, what: STANDS[standing] });
    if (standing !== "orphan" || !data || member) continue; // the phases clear what joins again
    await gate.pass(context.site.name, CLEAR, {
      subject: machine.name,
      what: "make it anew: it joined once, and etcd does not know it any more",
      interrupts: [machine.name],
      apply: () => context.hypervisor.remove(context.site, machine.name),
    });
    changes++;
  }
  return changes;
}

const STANDS = {
  joined: "has joined already",
  "needs-join": "has its join before it",
  orphan: "was cut off while it joined: what is left of that is cleared first",
} as const;
