/** At the hub: makes types that other tools enabled fit for our agents, and says that they are propagated. */
import { type Cache, keyOf } from "#control/runtime/cache.ts";
import type { Controller, Input } from "#control/runtime/controller.ts";
import type { Definition } from "../api/definition.ts";
import { withKeyedStatus } from "../api/enable.ts";
import type { FederatedTypeConfig } from "../api/type-config.ts";
import { DEFINITIONS, federatedKindOf, kindName, splitKey, TYPE_CONFIGS } from "./resources.ts";

export function typeController(): Controller {
  const configs: Input<FederatedTypeConfig> = {
    cluster: "hub",
    resource: TYPE_CONFIGS,
    indexes: { federated: (config) => [kindName(federatedKindOf(config))] },
    work: ({ object }) => [{ group: "types", key: keyOf(object) }],
  };
  let known: Cache<FederatedTypeConfig> | undefined;
  // Enabling a type once more writes its definition anew and leaves its config as it was.
  const definitions: Input<Definition> = {
    cluster: "hub",
    resource: DEFINITIONS,
    trim: withoutSchemas,
    *work({ object }) {
      for (const config of known?.by("federated", keyOf(object)) ?? [])
        yield { group: "types", key: keyOf(config) };
    },
  };
  return {
    name: "types",
    inputs: [configs, definitions],
    outputs: [
      { cluster: "hub", group: TYPE_CONFIGS.group, plural: TYPE_CONFIGS.plural, part: "status" },
      {
        cluster: "hub",
        group: DEFINITIONS.group,
        plural: DEFINITIONS.plural,
        part: "the status of federated types",
      },
    ],
    start(context) {
      known = context.cache(configs);
    },
    async reconcile({ key }, context, signal) {
      const config = context.cache(configs).get(key);
      if (!config) return;
      const hub = context.kube("hub");
      const ref = { resource: DEFINITIONS, name: kindName(federatedKindOf(config)) };
      const crd = await hub.find<Definition>(ref, { signal });
      const keyed = crd && withKeyedStatus(crd);
      if (keyed) await hub.replace(ref, keyed, { signal });
      const running = config.spec.propagation === "Enabled" && crd && !config.metadata?.deletionTimestamp;
      const propagationController = running ? "Running" : "NotRunning";
      const observedGeneration = config.metadata?.generation ?? 0;
      const { status } = config;
      if (
        status?.propagationController === propagationController &&
        status.observedGeneration === observedGeneration
      )
        return;
      const place = { resource: TYPE_CONFIGS, ...splitKey(key), subresource: "status" };
      await hub.patch(place, { status: { observedGeneration, propagationController } }, { signal });
    },
  };
}

/** Definitions of all that a cluster has would fill the memory; what has to be known of one is asked for. */
function withoutSchemas({ metadata, spec }: Definition): Definition {
  const { name = "", uid = "", resourceVersion = "" } = metadata ?? {};
  return { metadata: { name, uid, resourceVersion }, spec: { ...spec, versions: [] } };
}
