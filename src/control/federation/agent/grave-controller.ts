/** Ends tombstones: at the hub once every site has carried them out, at a site once the hub has none any more. */
import type { Cache } from "#control/runtime/cache.ts";
import type { Context, Controller, Input } from "#control/runtime/controller.ts";
import type { Work } from "#control/runtime/queue.ts";
import { KubeError, type KubeObject } from "#ports/kube.ts";
import type { Crown } from "../api/crown.ts";
import type { Mirror, MirrorSpec } from "../api/mirror.ts";
import { BURIED_ANNOTATION, CROWN_NAME, SYSTEM_NAMESPACE, TOMBSTONE_LABEL } from "../api/names.ts";
import type { FederatedTypeConfig } from "../api/type-config.ts";
import { type View, viewNamespace } from "../api/view.ts";
import { confirmedUpTo, isSpent } from "../deletion/tombstones.ts";
import { readVersion, type Version } from "../version.ts";
import type { Graves } from "./graves.ts";
import { leaseName } from "./heartbeat-controller.ts";
import { revisionIn } from "./mirrors.ts";
import { CROWNS, federatedKindOf, kindName, LEASES, MIRRORS, TYPE_CONFIGS, VIEWS } from "./resources.ts";
import type { Term } from "./term.ts";

const SWEEP: Work = { group: "graves", key: "all" };
/** Deletions come in bursts: one look at all of them. */
const GATHER_SECONDS = 1;
const AT_ONCE = 8;

export function graveController(term: Term): Controller {
  const work = () => [SWEEP];
  const own: Input<Mirror> = { cluster: "site", resource: MIRRORS, labelSelector: TOMBSTONE_LABEL, work };
  const mirrors: Input<Mirror> = {
    cluster: "site",
    resource: MIRRORS,
    indexes: { type: ({ spec }) => [kindName(spec)] },
    work: () => [],
  };
  const atHub: Input<Mirror> = { ...own, cluster: "hub" };
  const crowns: Input<Crown> = { cluster: "hub", resource: CROWNS, work };
  const leases: Input = {
    cluster: "hub",
    resource: LEASES,
    namespace: SYSTEM_NAMESPACE,
    work: ({ object, previous }) => (saidBy(object) === saidBy(previous) ? [] : [SWEEP]),
  };
  const views: Input<View> = {
    cluster: "hub",
    resource: VIEWS,
    work: ({ type }) => (type === "deleted" ? [SWEEP] : []),
  };
  let sweptAt = -Infinity;

  const spentAtHub = (context: Context): readonly Mirror[] => {
    const crown = context.cache(crowns).get(CROWN_NAME);
    if (crown?.spec.epoch !== term.crown.epoch) return [];
    const others = crown.spec.sites.map(({ name }) => name).filter((name) => name !== term.site);
    // A cloud site does not see the record, but a view of it, which is there until it is carried out.
    const clouds = crown.spec.sites.flatMap(({ name, kind }) => (kind === "cloud" ? [name] : []));
    const said = new Map(
      others.flatMap((site): readonly [string, Version][] => {
        const lease = context.cache(leases).get(`${SYSTEM_NAMESPACE}/${leaseName(site)}`);
        const version = readVersion(saidBy(lease));
        return version ? [[site, version]] : [];
      }),
    );
    const isDone = doneIn(context.cache(mirrors), term.graves);
    return [...context.cache(own).list()].filter((mirror) => {
      const version = { epoch: crown.spec.epoch, resourceVersion: revisionIn(mirror) };
      const shown = clouds.some((site) =>
        context.cache(views).get(`${viewNamespace(site)}/${nameOf(mirror)}`),
      );
      return !shown && isDone(mirror) && isSpent(version, said, others);
    });
  };
  const spentHere = (context: Context): readonly Mirror[] => {
    const crown = context.cache(crowns).get(CROWN_NAME);
    // A hub that has lost what it held has lost its tombstones too: that ends none.
    if (crown?.spec.epoch !== term.crown.epoch) return [];
    const there = context.cache(atHub);
    const isDone = doneIn(context.cache(mirrors), term.graves);
    const graves = [...there.list()].map((grave) => {
      const mirror = context.cache(mirrors).get(nameOf(grave));
      const settled = term.graves.isSettled(nameOf(grave), revisionIn(grave));
      return { revision: revisionIn(grave), done: settled && (!mirror || isDone(mirror)) };
    });
    const resourceVersion = confirmedUpTo(graves);
    if (resourceVersion !== undefined) term.graves.confirmed = { epoch: term.crown.epoch, resourceVersion };
    return [...context.cache(own).list()].filter((mirror) => !there.get(nameOf(mirror)) && isDone(mirror));
  };

  return {
    name: "graves",
    inputs: [own, mirrors, crowns, ...(term.holds ? [leases, views] : [atHub])],
    outputs: [
      { cluster: "site", group: MIRRORS.group, plural: MIRRORS.plural, part: "tombstones that nobody needs" },
    ],
    start(context) {
      term.graves.listen(() => context.addAfter(SWEEP, GATHER_SECONDS));
    },
    async reconcile(_work, context, signal) {
      const wait = sweptAt + GATHER_SECONDS * 1000 - term.clock.now();
      if (wait > 0) return { afterSeconds: wait / 1000 };
      sweptAt = term.clock.now();
      const spent = term.holds ? spentAtHub(context) : spentHere(context);
      for (let index = 0; index < spent.length; index += AT_ONCE)
        await Promise.all(spent.slice(index, index + AT_ONCE).map((one) => drop(one, context, signal)));
      return undefined;
    },
  };
}

/** Whether the site has nothing of it any more; of what is of no federated type it never had anything. */
export function doneIn(mirrors: Cache<Mirror>, graves: Graves): (mirror: Mirror) => boolean {
  const configs = mirrors.by("type", kindName(TYPE_CONFIGS));
  const types = new Set(configs.flatMap(({ spec }) => federatedTypeIn(spec)));
  return (mirror) => !types.has(kindName(mirror.spec)) || graves.hasCarriedOut(nameOf(mirror));
}

/** Deletes this very tombstone, and not the mirror of what has come in its place. */
export async function drop(mirror: Mirror, context: Context, signal: AbortSignal): Promise<void> {
  const { uid = "", resourceVersion = "" } = mirror.metadata ?? {};
  const preconditions = { uid, resourceVersion };
  try {
    await context.kube("site").delete({ resource: MIRRORS, name: nameOf(mirror) }, { preconditions, signal });
  } catch (error) {
    if (!(error instanceof KubeError) || error.code !== "KUBE_CONFLICT") throw error;
  }
}

/** `plural.group` of the federated kind that a mirrored type config is about. */
function federatedTypeIn({ body }: MirrorSpec): readonly string[] {
  return body ? [kindName(federatedKindOf(body as FederatedTypeConfig))] : [];
}

function saidBy(lease: KubeObject | undefined): string {
  return lease?.metadata?.annotations?.[BURIED_ANNOTATION] ?? "";
}

function nameOf({ metadata }: KubeObject): string {
  return metadata?.name ?? "";
}
