/** What federates a type: its Federated<Kind> and its FederatedTypeConfig, as `kubefedctl enable` makes them. */
import { type Definition, type Version } from "./definition.ts";
import { federatedDefinition, federatedStatus } from "./federated.ts";
import { CORE_GROUP, SYSTEM_NAMESPACE, TYPES_GROUP } from "./names.ts";
import { type ApiResource, type FederatedTypeConfig, qualifiedName } from "./type-config.ts";

export interface TargetType {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Whether it has `spec.replicas`; where discovery did not say, the built-in types are known. */
  readonly scalable?: boolean;
  readonly shortNames?: readonly string[];
}

const SCALABLE: readonly string[] = [
  "deployments.apps",
  "replicasets.apps",
  "statefulsets.apps",
  "replicationcontrollers",
];

export interface FederatedType {
  readonly crd: Definition;
  readonly typeConfig: FederatedTypeConfig;
}

/** A FederatedNamespace lives in the namespace it is about, though namespaces themselves are cluster-scoped. */
export function isNamespace(target: Pick<TargetType, "group" | "plural">): boolean {
  return target.group === "" && target.plural === "namespaces";
}

export function federatedTypeFor(target: TargetType, federatedGroup: string = TYPES_GROUP): FederatedType {
  const federatedType: ApiResource & { group: string } = {
    group: federatedGroup,
    version: "v1beta1",
    kind: `Federated${target.kind}`,
    pluralName: `federated${target.plural}`,
    scope: target.namespaced || isNamespace(target) ? "Namespaced" : "Cluster",
  };
  const name = qualifiedName(target.plural, target.group);
  const scalable = target.scalable ?? SCALABLE.includes(name);
  const shortNames = (target.shortNames ?? []).map((short) => `f${short}`);
  return {
    crd: federatedDefinition(federatedType, scalable, shortNames),
    typeConfig: {
      apiVersion: `${CORE_GROUP}/v1beta1`,
      kind: "FederatedTypeConfig",
      metadata: { name, namespace: SYSTEM_NAMESPACE },
      spec: {
        targetType: {
          ...(target.group !== "" && { group: target.group }),
          version: target.version,
          kind: target.kind,
          pluralName: target.plural,
          scope: target.namespaced ? "Namespaced" : "Cluster",
        },
        federatedType,
        propagation: "Enabled",
        statusCollection: "Disabled",
      },
    },
  };
}

/**
 * A Federated<Kind> that kubefedctl made, with the status that our agents
 * need: there its list of clusters has one owner, here each cluster owns its
 * entry. Undefined where nothing has to change.
 */
export function withKeyedStatus(crd: Definition): Definition | undefined {
  if (crd.spec.versions.every(hasKeyedStatus)) return undefined;
  return { ...crd, spec: { ...crd.spec, versions: crd.spec.versions.map(keyedVersion) } };
}

function hasKeyedStatus(version: Version): boolean {
  const clusters = version.schema.openAPIV3Schema.properties?.["status"]?.properties?.["clusters"];
  const fields = clusters?.items?.properties ?? {};
  return (
    clusters?.["x-kubernetes-list-type"] === "map" && "message" in fields && "remoteGeneration" in fields
  );
}

function keyedVersion(version: Version): Version {
  const schema = version.schema.openAPIV3Schema;
  const properties = { ...schema.properties, status: federatedStatus };
  return { ...version, schema: { openAPIV3Schema: { ...schema, properties } } };
}
