/**
 * A dead server's machines come up on another one: their members leave etcd,
 * their nodes and pods go, their names stay, and the phases of every bring-up
 * make them anew. Killed anywhere and run again it goes on: what has been cleared
 * is written down, everything else is looked at.
 */
import { converge } from "#converge/engine.ts";
import type { Gate } from "#converge/gate.ts";
import type { Phases, SiteContext } from "#converge/phase.ts";
import { machinesOn, type Replacement } from "#plan/replacement.ts";
import type { Hypervisor } from "#ports/hypervisor.ts";
import { CLEAR, clearMachine, clearNobodys, clearOrphans, demandBlank } from "./clear.ts";
import { demandDeath, type Reaches, serverAnswers, signsOfLife } from "./dead.ts";
import { seeQuorum } from "./members.ts";
import { votesSay } from "./quorum.ts";
import type { ReplaceRecord, ReplaceRecords } from "./record.ts";
import { seeWhole, type Verified } from "./verify.ts";

export interface ReplaceGround {
  /** The site as it is planned after the replacement, with all that its phases need. */
  readonly context: SiteContext;
  readonly phases: Phases;
  /** For the changes of the phases. */
  readonly gate: Gate;
  /** For what is taken away of machines that are lost already. */
  readonly clearGate: Gate;
  readonly records: ReplaceRecords;
  /** Keeps the plan for whoever comes after. */
  readonly keepPlan: () => Promise<void>;
  readonly reaches: Reaches;
}

export interface ReplaceOrder extends Replacement {
  /** Where the dead server itself was reached, if that was known. */
  readonly oldAddress?: string;
  /** The person says that it is off for good. */
  readonly switchedOff: boolean;
}

export interface ReplaceResult {
  /** Names of the machines that move. */
  readonly machines: readonly string[];
  /** Changes made, or in a dry run those that would be. */
  readonly changes: number;
  /** Empty in a dry run. */
  readonly verified: readonly Verified[];
}

const QUORUM_SECONDS = 30;
const WHOLE_SECONDS = 240;

/** Errors: SERVER_REPLACE_… beside those of the phases. */
export async function replaceServer(ground: ReplaceGround, order: ReplaceOrder): Promise<ReplaceResult> {
  const { context, records, gate } = ground;
  const { emit, site } = context;
  const machines = machinesOn(context.plan, order.site, order.fresh);
  const names = machines.map(({ name }) => name);
  const before = await records.read();
  const oldAddress = before?.oldAddress ?? order.oldAddress;
  const elsewhere =
    order.old === order.fresh ? [] : await serverAnswers(order.old, oldAddress, ground.reaches);
  if (!before) await demandBlank(context, machines, order.fresh);
  const signs = before ? [] : await signsOfLife(context, machines, ground.reaches);
  demandDeath(order, [...elsewhere, ...signs], order);
  const record = before ?? recordOf(order, names);
  const { votes } = await seeQuorum(context, uncleared(record), QUORUM_SECONDS);
  emit({ kind: "note", subject: site.name, what: `etcd has its quorum: ${votesSay(votes)}` });
  if (!gate.dryRun) await records.write(record);
  const cleared = await clearAll(ground, record);
  if (gate.dryRun) {
    const hypervisor = without(context.hypervisor, uncleared(record));
    const planned = await converge(ground.phases, [{ ...context, hypervisor }], gate);
    return { machines: names, changes: cleared + planned, verified: [] };
  }
  await ground.keepPlan();
  const made = await converge(ground.phases, [context], watched(gate, context));
  const verified = await seeWhole(context, WHOLE_SECONDS);
  await records.remove();
  return { machines: names, changes: cleared + made, verified };
}

function recordOf(order: ReplaceOrder, machines: readonly string[]): ReplaceRecord {
  const { site, old, fresh, oldAddress } = order;
  return { site, old, fresh, machines, cleared: [], ...(oldAddress !== undefined && { oldAddress }) };
}

/** One machine after the other; each is written down as soon as nothing of it is left. */
async function clearAll(
  { context, clearGate: gate, records }: ReplaceGround,
  record: ReplaceRecord,
): Promise<number> {
  const { emit, site, now } = context;
  const started = now().getTime();
  emit({ kind: "phase-start", site: site.name, phase: CLEAR, title: TITLE });
  const clearing = { context, gate, gone: uncleared(record) };
  let changes = await clearNobodys(clearing);
  const taken = site.machines.filter(({ name }) => record.cleared.includes(name));
  changes += await clearOrphans(clearing, taken);
  const done = [...record.cleared];
  for (const machine of site.machines.filter(({ name }) => clearing.gone.has(name))) {
    changes += await clearMachine(clearing, machine);
    done.push(machine.name);
    if (!gate.dryRun) await records.write({ ...record, cleared: done });
  }
  const seconds = (now().getTime() - started) / 1000;
  emit({ kind: "phase-end", site: site.name, phase: CLEAR, title: TITLE, changes, seconds });
  return changes;
}

const TITLE = "What the dead server left";

function uncleared({ machines, cleared }: ReplaceRecord): ReadonlySet<string> {
  return new Set(machines.filter((name) => !cleared.includes(name)));
}

/** A ground as it is once nothing is left of these machines: what a dry run goes by. */
function without(hypervisor: Hypervisor, names: ReadonlySet<string>): Hypervisor {
  return {
    ...hypervisor,
    observe: async (site) => (await hypervisor.observe(site)).filter(({ name }) => !names.has(name)),
  };
}

/** Sees the quorum before and after everything that changes who votes. */
function watched(gate: Gate, context: SiteContext): Gate {
  const see = () => seeQuorum(context, new Set(), QUORUM_SECONDS);
  return {
    dryRun: gate.dryRun,
    pass: async (site, phase, change) => {
      if (phase !== "control-planes") return gate.pass(site, phase, change);
      await see();
      await gate.pass(site, phase, change);
      await see();
    },
  };
}
