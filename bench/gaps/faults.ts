/** What is done to one site while somebody asks for a page. */
import type { Pod } from "kubernetes-types/core/v1.d.ts";
import type { SiteConnection } from "#app/site-context.ts";
import { mustRun } from "#base/process.ts";
import { must } from "#converge/remote.ts";
import { labNames } from "#drivers/lab/names.ts";
import { machinesOf, type Plan } from "#plan/plan.ts";
import type { Faults } from "#ports/faults.ts";
import type { KubeObject, Resource } from "#ports/kube.ts";

/** The service that a lab ends with, and its namespace. */
export const SAMPLE = "echo";

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
  /** Whether the site as a whole is to be left out of answers by the others. */
  readonly losesSite?: true;
  /** Called before it is made; gives what tells whether the pods that ran there are ready elsewhere. */
  readonly podsElsewhere?: (ground: Ground) => Promise<() => Promise<boolean>>;
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
    podsElsewhere: async (ground) => readyBeside(ground, await announcer(ground)),
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
    losesSite: true,
    goal: "≤ 15",
    make: ({ faults, context }) => faults.cutLine(context.site),
    undo: restore,
  },
  {
    says: "its router lost",
    losesSite: true,
    goal: "≤ 15",
    make: ({ faults, context }) => faults.loseRouter(context.site),
    undo: restore,
  },
  {
    says: "cut off from its peers, not from users",
    losesSite: true,
    goal: "0",
    make: (ground) => peers(ground, "add"),
    undo: (ground) => peers(ground, "delete"),
  },
];

const PODS: Resource<Pod> = { group: "", version: "v1", plural: "pods" };

/** The sample's pods: as many are ready on other nodes than `node` as there were on all. */
async function readyBeside({ context }: Ground, node: string): Promise<() => Promise<boolean>> {
  const kube = await context.kube();
  const ready = async (): Promise<readonly Pod[]> => {
    const { items } = await kube.list({ resource: PODS, namespace: SAMPLE }, { timeoutSeconds: 2 });
    return items.filter(
      ({ metadata, status }) =>
        metadata?.deletionTimestamp === undefined &&
        status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True"),
    );
  };
  const before = await ready();
  if (!before.some(({ spec }) => spec?.nodeName === node)) throw new Error(`${node} runs none of the sample`);
  return async () => (await ready()).filter(({ spec }) => spec?.nodeName !== node).length >= before.length;
}

/** What a site that has one of each machine can lose, but for a second worker. */
export const SMALL_SITE_FAULTS = SITE_FAULTS.filter((fault) => fault.losesSite ?? fault.podsElsewhere);

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
