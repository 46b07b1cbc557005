/** At the hub: shows each external cloud site what is placed on it, and carries on what the site says of it. */
import { type Cache, keyOf } from "#control/runtime/cache.ts";
import type { Context, Controller, Input } from "#control/runtime/controller.ts";
import type { Work } from "#control/runtime/queue.ts";
import type { KubeObject } from "#ports/kube.ts";
import type { Crown } from "../api/crown.ts";
import type { FederatedResource } from "../api/federated.ts";
import { type Mirror, mirrorName } from "../api/mirror.ts";
import { CROWN_NAME, SYSTEM_NAMESPACE, TOMBSTONE_LABEL } from "../api/names.ts";
import type { FederatedTypeConfig } from "../api/type-config.ts";
import { type View, VIEW_NAMESPACE_PREFIX, viewNamespace } from "../api/view.ts";
import { isPlaced, projectedFixed, projectedResource } from "../place/projection.ts";
import type { Cluster } from "../place/placement.ts";
import {
  CLUSTERS,
  CROWNS,
  federatedKindOf,
  FIXED_KINDS,
  joinKey,
  kindName,
  type MirroredKind,
  MIRRORS,
  objectKeyOf,
  TYPE_CONFIGS,
  VIEWS,
} from "./resources.ts";
import type { Term } from "./term.ts";
import { openTypeWatch } from "./type-watch.ts";
import { carryStatus, ensureViewSpace, hide, type Shown, show } from "./views.ts";

const ALL: Work = { group: "all", key: "objects" };
const SITES: Work = { group: "all", key: "sites" };
/** Work groups are named for sites, which may be called anything. */
const SITE = "site ";
const NOT_LISTED_YET = { afterSeconds: 0.2 };

export function viewController(term: Term): Controller {
  let clouds: readonly string[] = [];
  const forAll = function* (type: string, key: string): Iterable<Work> {
    for (const site of clouds) yield { group: `${SITE}${site}`, key: `${type} ${key}` };
  };
  const crowns: Input<Crown> = { cluster: "hub", resource: CROWNS, work: () => [SITES] };
  const fixed = FIXED_KINDS.map((kind): readonly [MirroredKind, Input] => [
    kind,
    {
      cluster: "hub",
      resource: kind,
      *work({ object }) {
        if (kind.plural === TYPE_CONFIGS.plural || kind.plural === CLUSTERS.plural) yield ALL;
        yield* forAll(kindName(kind), keyOf(object));
      },
    },
  ]);
  const inputOf = (plural: string): Input => fixed.find(([kind]) => kind.plural === plural)?.[1] as Input;
  const configs = inputOf(TYPE_CONFIGS.plural) as Input<FederatedTypeConfig>;
  const clusters = inputOf(CLUSTERS.plural);
  const views: Input<View> = {
    cluster: "hub",
    resource: VIEWS,
    *work({ object: { metadata, spec } }) {
      const site = (metadata?.namespace ?? "").slice(VIEW_NAMESPACE_PREFIX.length);
      yield { group: `${SITE}${site}`, key: `${kindName(spec)} ${joinKey(spec)}` };
    },
  };
  const graves: Input<Mirror> = {
    cluster: "site",
    resource: MIRRORS,
    labelSelector: TOMBSTONE_LABEL,
    work: ({ object: { spec } }) => forAll(kindName(spec), joinKey(spec)),
  };
  const types = openTypeWatch<FederatedResource>({
    cluster: "hub",
    resourceOf: federatedKindOf,
    *work({ object }, type, { spec }) {
      yield* forAll(type, keyOf(object));
      if (spec.targetType.kind === "Namespace")
        yield { group: "namespaces", key: object.metadata?.namespace ?? "" };
    },
  });
  const namespaces = (): Cache<FederatedResource> | undefined =>
    [...types.all].find(([, { config }]) => config.spec.targetType.kind === "Namespace")?.[1].cache;
  const lookAtSites = async (context: Context, signal: AbortSignal): Promise<void> => {
    const sites = context.cache(crowns).get(CROWN_NAME)?.spec.sites ?? [];
    const now = sites.flatMap(({ name, kind }) => (kind === "cloud" ? [name] : []));
    if (now.join() === clouds.join()) return;
    for (const name of now)
      if (!clouds.includes(name)) await ensureViewSpace(context.kube("hub"), name, signal);
    clouds = now;
    context.add(ALL);
  };
  const lookAtAll = (context: Context): void => {
    if (clouds.length === 0) return;
    types.sync(context, context.cache(configs).list());
    const all = [
      ...fixed.map(([kind, input]) => [kindName(kind), context.cache(input)] as const),
      ...[...types.all].map(([type, { cache }]) => [type, cache] as const),
    ];
    for (const [type, cache] of all)
      for (const one of cache.list()) for (const work of forAll(type, keyOf(one))) context.add(work);
    // What is shown, and is not there any more.
    for (const one of context.cache(views).list())
      for (const work of views.work({ type: "added", object: one })) context.add(work);
  };
  /** What the site may see of it now; "unknown" where that can't be said. */
  const wantedOf = (
    object: KubeObject | undefined,
    kind: MirroredKind,
    config: FederatedTypeConfig | undefined,
    cluster: Cluster,
  ): KubeObject | undefined | "unknown" => {
    if (!object) return undefined;
    if (!config) return projectedFixed(object, kind.kind, cluster.name);
    const space = object.metadata?.namespace ?? "";
    const namespaced = config.spec.targetType.scope === "Namespaced";
    const inside = namespaced ? namespaces()?.get(`${space}/${space}`) : null;
    const placed = isPlaced(object, inside, cluster);
    if (typeof placed === "object") return "unknown";
    return placed ? projectedResource(object, cluster.name) : undefined;
  };

  return {
    name: "views",
    inputs: [crowns, ...fixed.map(([, input]) => input), views, graves],
    outputs: [
      { cluster: "hub", group: VIEWS.group, plural: VIEWS.plural, part: "what cloud sites are shown" },
      { cluster: "hub", group: "*", plural: "*", part: "status.clusters of cloud sites" },
    ],
    async reconcile({ group, key }, context, signal) {
      if (group === ALL.group) return key === SITES.key ? lookAtSites(context, signal) : lookAtAll(context);
      if (group === "namespaces") {
        for (const [type, { cache }] of types.all)
          for (const one of cache.list())
            if (one.metadata?.namespace === key)
              for (const work of forAll(type, keyOf(one))) context.add(work);
        return undefined;
      }
      const site = group.slice(SITE.length);
      if (!clouds.includes(site)) return undefined;
      const [type = "", name = ""] = key.split(" ");
      const own = fixed.find(([kind]) => kindName(kind) === type);
      const watched = types.get(type);
      if (!own && !watched) return undefined;
      const cache = own ? context.cache(own[1]) : watched?.cache;
      if (!cache?.synced || namespaces()?.synced === false) return NOT_LISTED_YET;
      const cluster = context.cache(clusters).get(`${SYSTEM_NAMESPACE}/${site}`);
      if (!cluster) return undefined;
      const object = cache.get(name);
      const kind = own ? own[0] : federatedKindOf(watched?.config as FederatedTypeConfig);
      const wanted = wantedOf(object, kind, watched?.config, {
        name: site,
        labels: cluster.metadata?.labels ?? {},
      });
      if (wanted === "unknown") return undefined;
      const objectKey = objectKeyOf(kind, name);
      const id = mirrorName(objectKey);
      const shown: Shown = {
        site,
        key: objectKey,
        object,
        grave: context.cache(graves).get(id)?.spec,
        view: context.cache(views).get(`${viewNamespace(site)}/${id}`),
      };
      const hub = context.kube("hub");
      if (wanted) await show(hub, shown, wanted, term.crown.epoch, signal);
      else await hide(hub, shown, term, signal);
      if (watched) await carryStatus(hub, kind, shown, wanted, signal);
      return undefined;
    },
  };
}
