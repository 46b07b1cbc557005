/** What is done to one site of two while somebody asks for a page. */
import type { SiteConnection } from "#app/site-context.ts";
import { mustRun } from "#base/process.ts";
import { must } from "#converge/remote.ts";
import { labNames } from "#drivers/lab/names.ts";
import { machinesOf, type Plan } from "#plan/plan.ts";
import type { Faults } from "#ports/faults.ts";
import type { KubeObject, Resource } from "#ports/kube.ts";

export interface Ground {
  readonly plan: Plan;
  readonly context: SiteConnection;
  readonly faults: Faults;
}

export interface SiteFault {
  readonly says: string;
  /** Seconds that a user may see nothing. */
  readonly goal: string;
  make(ground: Ground): Promise<void>;
  /** Missing where `lab up` is what brings it back. */
  readonly undo?: (ground: Ground) => Promise<void>;
}

const restore = ({ faults, context }: Ground): Promise<void> => faults.restore(context.site);
interface L2Status extends KubeObject {
  readonly status?: { readonly node?: string };
}

const L2_STATUSES: Resource<L2Status> = {
  group: "metallb.io",
  version: "v1beta1",
  plural: "servicel2statuses",
};

export const SITE_FAULTS: readonly SiteFault[] = [
  {
    says: "the worker that announces the ingress lost",
    goal: "≤ 1",
    make: async (ground) => ground.faults.cutPower(ground.context.site, [await announcer(ground)]),
  },
  {
    says: "the ECAM with the VIPs lost",
    goal: "≤ 1",
    make: async ({ faults, context: { site } }) =>
      faults.cutPower(site, await faults.answering(site, site.network.namesVip)),
  },
  {
    says: "a control plane lost",
    goal: "≤ 1",
    make: async ({ faults, context: { site } }) =>
      faults.cutPower(
        site,
        machinesOf(site, "controlplane")
          .slice(0, 1)
          .map(({ name }) => name),
      ),
  },
  {
    says: "its name servers lost",
    goal: "≤ 15",
    make: (ground) => nameServers(ground, "stop"),
    undo: (ground) => nameServers(ground, "start"),
  },
  {
    says: "all its workers lost",
    goal: "≤ 15",
    make: async ({ faults, context: { site } }) =>
      faults.cutPower(
        site,
        machinesOf(site, "worker").map(({ name }) => name),
      ),
  },
  {
    says: "its line cut",
    goal: "≤ 15",
    make: ({ faults, context }) => faults.cutLine(context.site),
    undo: restore,
  },
  {
    says: "its router lost",
    goal: "≤ 15",
    make: ({ faults, context }) => faults.loseRouter(context.site),
    undo: restore,
  },
  {
    says: "cut off from its peers, not from users",
    goal: "0",
    make: (ground) => peers(ground, "add"),
    undo: (ground) => peers(ground, "delete"),
  },
];

/** The worker that answers for the ingress address. */
async function announcer({ context }: Ground): Promise<string> {
  const kube = await context.kube();
  const { items } = await kube.list({ resource: L2_STATUSES });
  const node = items[0]?.status?.node;
  if (node === undefined) throw new Error("MetalLB does not say who announces the ingress");
  return node;
}

async function nameServers({ context }: Ground, verb: "stop" | "start"): Promise<void> {
  for (const { name } of machinesOf(context.site, "ecam"))
    await must(context, name, ["systemctl", verb, "knot.service"]);
}

/** The site's router knows no way to the other sites and the witness. */
async function peers({ plan, context }: Ground, verb: "add" | "delete"): Promise<void> {
  const others = plan.sites.filter(({ name }) => name !== context.site.name);
  const addresses = [...others.flatMap(({ network }) => network.external), plan.witness?.address];
  const router = labNames(plan.federation).router(context.site);
  for (const address of addresses.filter((one) => one !== undefined))
    await mustRun("BENCH_ROUTE", ["ip", "-n", router, "route", verb, "blackhole", `${address}/32`]);
}
