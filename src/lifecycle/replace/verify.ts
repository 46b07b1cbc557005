/** Whether a site is whole again after a replacement: votes, nodes, backends, peers. */
import { PanopticonError } from "#base/errors.ts";
import { etcdMembers, isMemberOf, memberAnswers } from "#converge/etcd.ts";
import type { SiteContext } from "#converge/phase.ts";
import { holdersOfVip } from "#converge/phases/ecams.ts";
import { readyNodes } from "#converge/phases/network.ts";
import { inspect, must, running } from "#converge/remote.ts";
import { machinesOf } from "#plan/plan.ts";
import { ALIVE } from "#render/ecam/haproxy.ts";
import { renderMachine } from "#render/machine.ts";

/** One thing that was looked at. */
export interface Verified {
  readonly what: "etcd" | "nodes" | "backends" | "peers";
  /** In words, good or bad. */
  readonly says: string;
  readonly good: boolean;
}

const PAUSE_MS = 1000;

/** Waits until all is well; SERVER_REPLACE_UNWELL (exit 3) with what is not, where that takes longer. */
export async function seeWhole(context: SiteContext, seconds: number): Promise<readonly Verified[]> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await verify(context);
    const bad = found.filter(({ good }) => !good);
    if (bad.length === 0) return found;
    if (Date.now() > end) {
      throw new PanopticonError(
        bad.map(({ says }) => ({
          code: "SERVER_REPLACE_UNWELL",
          subject: context.site.name,
          message: `after the replacement: ${says}.`,
          hint: "Run the same command again: it looks at everything and goes on from there.",
        })),
        3,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function verify(context: SiteContext): Promise<readonly Verified[]> {
  return Promise.all([
    looked("etcd", () => votes(context)),
    looked("nodes", () => nodes(context)),
    looked("backends", () => backends(context)),
    looked("peers", () => peers(context)),
  ]);
}

type Look = Omit<Verified, "what">;

/** What can't be asked is not well. */
async function looked(what: Verified["what"], look: () => Promise<Look>): Promise<Verified> {
  try {
    return { what, ...(await look()) };
  } catch (error) {
    if (!(error instanceof PanopticonError)) throw error;
    return { what, good: false, says: error.problems[0]?.message ?? error.message };
  }
}

async function votes(context: SiteContext): Promise<Look> {
  const planned = machinesOf(context.site, "controlplane");
  const answers = await Promise.all(planned.map(({ name }) => memberAnswers(context, name)));
  const via = planned.find((_machine, index) => answers[index]);
  const members = via ? await etcdMembers(context, via.name) : [];
  const voting = planned.filter((machine, index) =>
    members.some(
      (member) => answers[index] && !member.learner && member.name !== "" && isMemberOf(member, machine),
    ),
  );
  const good = voting.length === planned.length && members.length === planned.length;
  return {
    good,
    says: `${voting.length} of ${planned.length} control planes vote in etcd and answer; it has ${members.length} members`,
  };
}

async function nodes(context: SiteContext): Promise<Look> {
  const planned = [...machinesOf(context.site, "controlplane"), ...machinesOf(context.site, "worker")];
  const ready = (await readyNodes(context)) ?? new Set<string>();
  const unready = planned.filter(({ name }) => !ready.has(name)).map(({ name }) => name);
  return {
    good: unready.length === 0,
    says:
      unready.length === 0
        ? `${planned.length} of ${planned.length} nodes Ready`
        : `${unready.join(", ")} not Ready`,
  };
}

/** As each ECAM's own HAProxy judges the control planes. */
async function backends(context: SiteContext): Promise<Look> {
  const ecams = machinesOf(context.site, "ecam");
  const planned = machinesOf(context.site, "controlplane").map(({ name }) => name);
  const url = `http://${ALIVE.address}:${ALIVE.port}/stats;csv`;
  const down = await Promise.all(
    ecams.map(async ({ name }) => {
      const text = await must(context, name, ["curl", "--fail", "--silent", "--max-time", "3", url]);
      return planned.filter((server) => !isUp(text, server)).map((server) => `${server} on ${name}`);
    }),
  );
  const bad = down.flat();
  return {
    good: bad.length === 0,
    says:
      bad.length === 0
        ? `HAProxy on ${ecams.map(({ name }) => name).join(" and ")} has ${planned.length} of ${planned.length} control planes up`
        : `HAProxy has no ${bad.join(", no ")} up`,
  };
}

/** Both judgements of a control plane, its kernel's and its API server's, by HAProxy's statistics. */
export function isUp(statistics: string, server: string): boolean {
  const [heading = "", ...rows] = statistics.replace(/^# /, "").split("\n");
  const columns = heading.split(",");
  const own = rows.map((row) => row.split(",")).filter((row) => row[columns.indexOf("svname")] === server);
  const status = own.map((row) => row[columns.indexOf("status")] ?? "");
  return status.length >= 2 && status.every((word) => word.startsWith("UP"));
}

/** Every ECAM knows all others, and exactly one holds the address. */
async function peers(context: SiteContext): Promise<Look> {
  const { plan, site, platform } = context;
  const ecams = machinesOf(site, "ecam");
  const stale = await Promise.all(
    ecams.map(async (machine) => {
      const files = renderMachine(plan, site, machine, platform).filter(({ path }) =>
        ["/etc/keepalived/keepalived.conf", "/etc/haproxy/haproxy.cfg"].includes(path),
      );
      const seen = await inspect(context, machine.name, { files, services: [], marks: [] });
      return seen.stale.map(({ path }) => `${path} of ${machine.name} is not as planned`);
    }),
  );
  const holders = await holdersOfVip(context, await running(context));
  const wrong = [
    ...stale.flat(),
    ...(holders.length === 1 ? [] : [`the VIP is held by ${holders.join(" and ") || "nobody"}`]),
  ];
  return {
    good: wrong.length === 0,
    says:
      wrong.length > 0
        ? wrong.join("; ")
        : `${ecams.length} ECAMs know each other, ${holders[0]} holds the VIP ${site.network.vip}`,
  };
}
