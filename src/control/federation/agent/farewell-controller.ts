/** At a site that leaves for good: deletes or lets go every copy, says so at the hub, takes down what is ours and ends. */
import { keyOf } from "#control/runtime/cache.ts";
import type { Context, Controller, Input } from "#control/runtime/controller.ts";
import type { Work } from "#control/runtime/queue.ts";
import { KubeError, type KubeObject } from "#ports/kube.ts";
import type { Farewell } from "../api/crown.ts";
import { type Mirror, mirrorName } from "../api/mirror.ts";
import { FAREWELL_ANNOTATION, MANAGED_LABEL, SYSTEM_NAMESPACE } from "../api/names.ts";
import { type FederatedTypeConfig, resourceOf } from "../api/type-config.ts";
import { wasRemoved } from "../crown/departure.ts";
import { farewell } from "../deletion/removal.ts";
import { federatedKey, isNamespaceConfig, refOf, release } from "./apply.ts";
import { leaseName } from "./heartbeat-controller.ts";
import { leaveApi } from "./leave.ts";
import { deleteOptionOf, isOrphaned } from "./mirrors.ts";
import { federatedKindOf, kindName, LEASES, MIRRORS, splitKey, TYPE_CONFIGS } from "./resources.ts";
import type { Term } from "./term.ts";
import { openTypeWatch, type WatchedType } from "./type-watch.ts";

const TYPES: Work = { group: "types", key: "all" };
const CHECK: Work = { group: "farewell", key: "all" };
/** The hub's word for an agent that it knows no more, or a heartbeat that it keeps no more: it has let the site go. */
const LET_GO: readonly number[] = [401, 403, 404];

export function farewellController(term: Term, choice: Farewell): Controller {
  const mirrors: Input<Mirror> = {
    cluster: "site",
    resource: MIRRORS,
    indexes: { type: ({ spec }) => [kindName(spec)] },
    work: ({ object: { spec } }) => (spec.plural === TYPE_CONFIGS.plural ? [TYPES] : []),
  };
  const types = openTypeWatch<KubeObject>({
    cluster: "site",
    labelSelector: `${MANAGED_LABEL}=true`,
    resourceOf: ({ spec }) => resourceOf(spec.targetType),
    *work({ object, type: change }, type) {
      yield change === "deleted" ? CHECK : { group: type, key: keyOf(object) };
    },
  });
  /** What has nothing left, or what the site's API does not serve. */
  const isDone = (watched: WatchedType<KubeObject>): boolean =>
    watched.cache.synced ? watched.cache.size === 0 : watched.trouble()?.status === 404;
  const letGo = async (
    watched: WatchedType<KubeObject>,
    key: string,
    context: Context,
    signal: AbortSignal,
  ) => {
    const { config } = watched;
    const namespaceType = isNamespaceConfig(config);
    const others = [...types.all].filter(([, one]) => one !== watched);
    // What is in a namespace goes by itself first, as its own options want it.
    if (namespaceType && !others.every(([, one]) => isDone(one))) return;
    const observed = watched.cache.get(key);
    const mirror = context.cache(mirrors).get(mirrorOf(config, observed));
    const options = mirror && deleteOptionOf(mirror);
    const step = farewell(mirror && isOrphaned(mirror) ? "orphan" : choice, {
      observed,
      namespaceType,
      isHub: false,
      ...(options !== undefined && { deleteOptions: options }),
    });
    if (!observed || step.do === "nothing") return;
    const ref = refOf(config, observed);
    const kube = context.kube("site");
    if (step.do === "release") return release(kube, ref, signal);
    const { propagationPolicy } = step.options;
    const preconditions = { uid: step.uid };
    await kube.delete(ref, {
      signal,
      preconditions,
      ...(propagationPolicy && { propagation: propagationPolicy }),
    });
  };

  return {
    name: "farewell",
    inputs: [mirrors],
    outputs: [{ cluster: "site", group: "*", plural: "*", part: "what carries the managed label" }],
    start: (context) => {
      context.note(term.site, `leaves the federation: ${inWords(choice)}`);
      context.add(TYPES);
    },
    async reconcile({ group, key }, context, signal) {
      if (group === TYPES.group) {
        const configs = context.cache(mirrors).by("type", kindName(TYPE_CONFIGS));
        types.sync(
          context,
          configs.flatMap(({ spec }) => (spec.body ? [spec.body as FederatedTypeConfig] : [])),
        );
        context.add(CHECK);
        return undefined;
      }
      if (group !== CHECK.group) {
        const watched = types.get(group);
        if (watched) await letGo(watched, key, context, signal);
        return undefined;
      }
      const open = [...types.all].filter(([, watched]) => !isDone(watched));
      if (open.every(([, { config }]) => isNamespaceConfig(config)))
        for (const [type, { cache }] of open)
          for (const one of cache.list()) context.add({ group: type, key: keyOf(one) });
      if (open.length > 0) return { afterSeconds: 1 };
      if (!wasRemoved(term.crown, term.site)) await say(context, term, choice, signal);
      await leaveApi(context.kube("site"), term.site);
      context.note(term.site, `has left the federation: ${inWords(choice)}`);
      term.leave();
      return undefined;
    },
  };
}

async function say(context: Context, { site }: Term, choice: Farewell, signal: AbortSignal): Promise<void> {
  const ref = { resource: LEASES, namespace: SYSTEM_NAMESPACE, name: leaseName(site) };
  try {
    const annotations = { [FAREWELL_ANNOTATION]: choice };
    await context.kube("hub").patch(ref, { metadata: { annotations } }, { signal });
  } catch (error) {
    if (!(error instanceof KubeError) || !LET_GO.includes(error.status)) throw error;
  }
}

function mirrorOf(config: FederatedTypeConfig, object: KubeObject | undefined): string {
  const { group, pluralName } = config.spec.targetType;
  return mirrorName({
    ...federatedKindOf(config),
    ...splitKey(federatedKey(object ?? {}, pluralName, group)),
  });
}

function inWords(choice: Farewell): string {
  return choice === "drain"
    ? "what was placed here is deleted"
    : "what was placed here stays, and is nobody's";
}
