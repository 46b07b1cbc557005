/** What an external cloud site may see of the hub: what is placed on it, without a word on other sites. */
import type { KubeObject } from "#ports/kube.ts";
import type { KubeFedCluster } from "../api/cluster.ts";
import type { KubeFedConfig } from "../api/config.ts";
import type { FederatedResource } from "../api/federated.ts";
import type { SiteAccess } from "../api/site-access.ts";
import { type Cluster, selects, type Unplaceable } from "./placement.ts";

/** It repeats the whole object as somebody once applied it, with what is meant for other sites. */
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * Whether a resource goes to a site; a selector that can't be read says neither.
 * @param namespace the FederatedNamespace that it is in; null where its type is in none
 */
export function isPlaced(
  resource: FederatedResource,
  namespace: FederatedResource | undefined | null,
  cluster: Cluster,
): boolean | Unplaceable {
  const own = selects(resource, cluster);
  if (own !== true || namespace === null) return own;
  return namespace ? selects(namespace, cluster) : false;
}

/** The resource as it is for one site: placed there, with the overrides of that site alone. */
export function projectedResource(resource: FederatedResource, site: string): FederatedResource {
  const { spec = {}, status: _status, ...rest } = resource;
  const overrides = (spec.overrides ?? []).filter(({ clusterName }) => clusterName === site);
  const { overrides: _overrides, ...others } = spec;
  return {
    ...withOwnMetadata(rest),
    spec: {
      ...others,
      placement: { clusters: [{ name: site }] },
      ...(overrides.length > 0 && { overrides }),
    },
  };
}

/** One of the federation's own objects as a site sees it; undefined where it is none of its business. */
export function projectedFixed(object: KubeObject, kind: string, site: string): KubeObject | undefined {
  const name = object.metadata?.name;
  switch (kind) {
    case "FederatedTypeConfig":
      return withOwnMetadata(object);
    case "KubeFedConfig": {
      const { syncController } = (object as KubeFedConfig).spec ?? {};
      return {
        ...withOwnMetadata(object),
        spec: { ...(syncController && { syncController }) },
      } as KubeObject;
    }
    case "KubeFedCluster": {
      if (name !== site) return undefined;
      const { apiEndpoint } = (object as KubeFedCluster).spec;
      return { ...withOwnMetadata(object), spec: { apiEndpoint } } as KubeObject;
    }
    case "SiteAccess": {
      const { spec } = object as SiteAccess;
      const access = spec.access.filter((one) => one.site === site);
      if (access.length === 0 && name !== site) return undefined;
      return { ...withOwnMetadata(object), spec: { ...spec, access } } as KubeObject;
    }
    default:
      return undefined;
  }
}

function withOwnMetadata<T extends KubeObject>(object: T): T {
  const { annotations, finalizers: _finalizers, ...metadata } = object.metadata ?? {};
  const { [LAST_APPLIED]: _applied, ...kept } = annotations ?? {};
  return { ...object, metadata: { ...metadata, ...(annotations && { annotations: kept }) } };
}
