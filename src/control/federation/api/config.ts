/** KubeFedConfig: kubefed's settings. `kubefedctl join` reads the scope here; adoption of objects that were there before is read by us. */
import type { KubeObject } from "#ports/kube.ts";
import { type Definition, definition } from "./definition.ts";
import { CORE_GROUP, SYSTEM_NAMESPACE } from "./names.ts";
import type { LabelSelector } from "./federated.ts";
import { list, map, object, oneOf, ruled, type Schema, text } from "./schema.ts";

/** Sites that are admitted without asking: those whose join token has such labels. */
export interface AdmissionRule {
  /** An empty one selects every token. */
  readonly selector: LabelSelector;
  /** Only such sites; of any kind where it is missing. */
  readonly kind?: "on-prem" | "cloud";
}

export interface KubeFedConfig extends KubeObject {
  readonly spec: {
    readonly scope: "Cluster" | "Namespaced";
    readonly syncController?: { readonly adoptResources?: "Enabled" | "Disabled" };
    /** Ours. */
    readonly admission?: readonly AdmissionRule[];
  };
}

/** Under this name, in the system namespace, kubefedctl looks for it. */
export const CONFIG_NAME = "kubefed";

/** The configuration of a hub that nobody configured: kubefed's own defaults. */
export function defaultConfig(): KubeFedConfig {
  return {
    apiVersion: `${CORE_GROUP}/v1beta1`,
    kind: "KubeFedConfig",
    metadata: { name: CONFIG_NAME, namespace: SYSTEM_NAMESPACE },
    spec: { scope: "Cluster", syncController: { adoptResources: "Enabled" } },
  };
}

/** Whether an object that is at a site already becomes the federation's (kubefed: it does unless told otherwise). */
export function adopts(config: KubeFedConfig | undefined): boolean {
  return config?.spec.syncController?.adoptResources !== "Disabled";
}

const atLeastOne: Schema = { type: "integer", format: "int64", minimum: 1 };
const requirement = object(
  { key: text, operator: oneOf("In", "NotIn", "Exists", "DoesNotExist"), values: list(text) },
  ["key", "operator"],
);
const selector = object({ matchLabels: map(text), matchExpressions: list(requirement) });
const duration: Schema = { type: "string", pattern: "^([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$" };

export function configDefinition(): Definition {
  return definition({
    group: CORE_GROUP,
    version: "v1beta1",
    kind: "KubeFedConfig",
    plural: "kubefedconfigs",
    scope: "Namespaced",
    description: "Settings of the federation that kubefed's tools read.",
    spec: object(
      {
        scope: ruled(oneOf("Cluster", "Namespaced"), {
          rule: "self == oldSelf",
          message: "scope can't be changed",
        }),
        controllerDuration: object({
          availableDelay: duration,
          unavailableDelay: duration,
          cacheSyncTimeout: duration,
        }),
        leaderElect: object({
          leaseDuration: duration,
          renewDeadline: duration,
          retryPeriod: duration,
          resourceLock: oneOf("configmaps", "endpoints"),
        }),
        featureGates: list(
          object({ name: text, configuration: oneOf("Enabled", "Disabled") }, ["name", "configuration"]),
        ),
        clusterHealthCheck: object({
          period: duration,
          timeout: duration,
          failureThreshold: atLeastOne,
          successThreshold: atLeastOne,
        }),
        syncController: object({
          maxConcurrentReconciles: atLeastOne,
          adoptResources: oneOf("Enabled", "Disabled"),
        }),
        statusController: object({ maxConcurrentReconciles: atLeastOne }),
        admission: list(object({ selector, kind: oneOf("on-prem", "cloud") }, ["selector"]), 100),
      },
      ["scope"],
    ),
  });
}
