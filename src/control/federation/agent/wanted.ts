/** What decides what a federated resource becomes at this site, gathered from the site's mirrors. */
import type { Cache } from "#control/runtime/cache.ts";
import type { Work } from "#control/runtime/queue.ts";
import { adopts, type KubeFedConfig } from "../api/config.ts";
import type { FederatedResource } from "../api/federated.ts";
import { type Mirror, mirrorName } from "../api/mirror.ts";
import type { FederatedTypeConfig } from "../api/type-config.ts";
import type { DesiredInput } from "../place/desired.ts";
import { isNamespaceConfig } from "./apply.ts";
import { ownCluster } from "./mirrors.ts";
import { CLUSTERS, CONFIGS, federatedKindOf, joinKey, kindName, TYPE_CONFIGS } from "./resources.ts";
import type { Term } from "./term.ts";

/**
 * Undefined while the site itself is not in the mirrors.
 * @param types every federated type, with its FederatedTypeConfig
 */
export function inputOf(
  { spec }: Mirror,
  config: FederatedTypeConfig,
  mirrors: Cache<Mirror>,
  types: readonly [string, { readonly config: FederatedTypeConfig }][],
  { site }: Pick<Term, "site">,
): Omit<DesiredInput, "observed"> | undefined {
  const cluster = ownCluster(mirrors, site);
  if (!cluster) return undefined;
  const { namespace } = spec;
  const namespaces = types.find(([, one]) => isNamespaceConfig(one.config))?.[1].config;
  const namespaceMirror =
    namespaces && mirrors.get(mirrorName({ ...federatedKindOf(namespaces), namespace, name: namespace }));
  const settings = mirrors.by("type", kindName(CONFIGS))[0]?.spec.body as KubeFedConfig | undefined;
  return {
    cluster,
    resource: spec.body as FederatedResource,
    target: config.spec.targetType,
    namespace: namespaceMirror?.spec.body,
    adopt: adopts(settings),
  };
}

/** What has to be looked at anew at a site when a mirror has changed. */
export function* workOf(
  spec: Mirror["spec"],
  cache: Cache<Mirror> | undefined,
  site: string,
): Iterable<Work> {
  if (spec.plural === TYPE_CONFIGS.plural && spec.group === TYPE_CONFIGS.group) {
    yield { group: "types", key: "all" };
  } else if (spec.plural === CLUSTERS.plural && spec.group === CLUSTERS.group) {
    if (spec.name === site) yield { group: "sites", key: "own" };
  } else {
    yield { group: kindName(spec), key: joinKey(spec) };
    if (spec.kind !== "FederatedNamespace") return;
    for (const other of cache?.by("namespace", spec.namespace) ?? [])
      yield { group: kindName(other.spec), key: joinKey(other.spec) };
  }
}
