/** At the hub: lets a site go that has said its farewell, and clears away what is kept here of sites that are gone. */
import { keyOf } from "#control/runtime/cache.ts";
import type { Context, Controller, Input } from "#control/runtime/controller.ts";
import type { Work } from "#control/runtime/queue.ts";
import type { KubeObject } from "#ports/kube.ts";
import type { Crown, CrownSpec } from "../api/crown.ts";
import type { FederatedResource } from "../api/federated.ts";
import { CROWN_NAME, FAREWELL_ANNOTATION, SYSTEM_NAMESPACE } from "../api/names.ts";
import type { FederatedTypeConfig } from "../api/type-config.ts";
import { wasRemoved, withoutSite } from "../crown/departure.ts";
import { writeStatus } from "./entry.ts";
import { leaseName } from "./heartbeat-controller.ts";
import { forgetSite } from "./leave.ts";
import { CROWNS, federatedKindOf, LEASES, TYPE_CONFIGS } from "./resources.ts";
import type { Term } from "./term.ts";
import { openTypeWatch } from "./type-watch.ts";

/** The watch will tell of what came between. */
const CHANGED_MEANWHILE = { afterSeconds: 0.1 };
const SITES: Work = { group: "sites", key: "all" };

export function departureController(term: Term): Controller {
  let departed = "";
  const crowns: Input<Crown> = { cluster: "hub", resource: CROWNS, work: () => [SITES] };
  const leases: Input = {
    cluster: "hub",
    resource: LEASES,
    namespace: SYSTEM_NAMESPACE,
    work: ({ object, previous }) => (saidBy(object) === saidBy(previous) ? [] : [SITES]),
  };
  const configs: Input<FederatedTypeConfig> = {
    cluster: "hub",
    resource: TYPE_CONFIGS,
    work: ({ object }) => [{ group: "types", key: keyOf(object) }],
  };
  const types = openTypeWatch<FederatedResource>({
    cluster: "hub",
    resourceOf: federatedKindOf,
    *work({ object }, type) {
      if (departed !== "") yield { group: type, key: keyOf(object) };
    },
  });
  const lookAtSites = async (context: Context, signal: AbortSignal): Promise<undefined> => {
    const crown = context.cache(crowns).get(CROWN_NAME);
    if (!crown || crown.spec.epoch !== term.crown.epoch) return undefined;
    for (const { name, leaving } of crown.spec.sites) {
      const said = saidBy(context.cache(leases).get(`${SYSTEM_NAMESPACE}/${leaseName(name)}`));
      if (leaving === undefined || said !== leaving) continue;
      const spec = withoutSite(crown.spec, name, leaving, term.clock.wall().toISOString());
      await context
        .kube("hub")
        .replace({ resource: CROWNS, name: CROWN_NAME }, { ...crown, spec }, { signal });
      context.note(name, "has left the federation");
      return undefined;
    }
    const gone = goneFrom(crown.spec);
    if (gone.join() === departed) return undefined;
    for (const name of gone) await forgetSite(context.kube("hub"), name, signal);
    departed = gone.join();
    for (const [type, { cache }] of types.all)
      for (const resource of cache.list()) context.add({ group: type, key: keyOf(resource) });
    return undefined;
  };

  return {
    name: "departure",
    inputs: [crowns, leases, configs],
    outputs: [
      { cluster: "hub", group: CROWNS.group, plural: CROWNS.plural, part: "spec.sites of those who leave" },
      { cluster: "hub", group: "*", plural: "*", part: "what is kept of sites that have left" },
    ],
    async reconcile({ group, key }, context, signal) {
      if (group === "types") {
        types.sync(context, context.cache(configs).list());
        return undefined;
      }
      if (group === SITES.group) return lookAtSites(context, signal);
      const watched = types.get(group);
      const resource = watched?.cache.get(key);
      const crown = context.cache(crowns).get(CROWN_NAME);
      if (!watched || !resource || !crown) return undefined;
      const entries = resource.status?.clusters ?? [];
      const clusters = entries.filter(({ name }) => !wasRemoved(crown.spec, name));
      if (clusters.length === entries.length) return undefined;
      const kind = federatedKindOf(watched.config);
      const status = { ...resource.status, clusters };
      const written = await writeStatus(context.kube("hub"), kind, resource, status, signal);
      return written ? undefined : CHANGED_MEANWHILE;
    },
  };
}

function goneFrom({ sites, departed = [] }: CrownSpec): readonly string[] {
  return departed
    .map(({ name }) => name)
    .filter((name) => !sites.some((site) => site.name === name))
    .toSorted();
}

function saidBy(lease: KubeObject | undefined): string {
  return lease?.metadata?.annotations?.[FAREWELL_ANNOTATION] ?? "";
}
