/** Which clusters a federated resource selects, with kubefed's rules. */
import type { FederatedResource, LabelSelector } from "../api/federated.ts";

export interface Cluster {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A selector that can't be read, in words. */
export interface Unplaceable {
  readonly unplaceable: string;
}

/**
 * Whether a resource by itself selects this cluster: a list of clusters, even
 * an empty one, wins; without a list the selector decides; no selector selects
 * nothing and an empty one everything.
 */
export function selects(
  resource: FederatedResource,
  cluster: Cluster,
  options: { readonly selectorOnly?: boolean } = {},
): boolean | Unplaceable {
  const { clusters, clusterSelector } = resource.spec?.placement ?? {};
  if (clusters !== undefined && clusters !== null && !options.selectorOnly)
    return clusters.some(({ name }) => name === cluster.name);
  if (clusterSelector === undefined || clusterSelector === null) return false;
  return matches(clusterSelector, cluster.labels);
}

type Requirement = NonNullable<LabelSelector["matchExpressions"]>[number];

/** Whether labels satisfy a selector (Kubernetes: "Resources that support set-based requirements"). */
export function matches(
  selector: LabelSelector,
  labels: Readonly<Record<string, string>>,
): boolean | Unplaceable {
  const met = (selector.matchExpressions ?? []).map((requirement) => meets(requirement, labels));
  const broken = met.find((one): one is Unplaceable => typeof one === "object");
  if (broken) return broken;
  const equal = Object.entries(selector.matchLabels ?? {}).every(
    ([key, value]) => labelOf(labels, key) === value,
  );
  return equal && met.every(Boolean);
}

function labelOf(labels: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function meets(requirement: Requirement, labels: Readonly<Record<string, string>>): boolean | Unplaceable {
  const { key, operator, values = [] } = requirement;
  const label = labelOf(labels, key);
  switch (operator) {
    case "In":
    case "NotIn": {
      if (values.length === 0)
        return { unplaceable: `the cluster selector's ${operator} for label "${key}" has no values` };
      const inside = label !== undefined && values.includes(label);
      return operator === "In" ? inside : !inside;
    }
    case "Exists":
    case "DoesNotExist":
      if (values.length > 0)
        return { unplaceable: `the cluster selector's ${operator} for label "${key}" takes no values` };
      return (label !== undefined) === (operator === "Exists");
    default:
      return {
        unplaceable: `the cluster selector has operator "${operator}" for label "${key}"; there are In, NotIn, Exists and DoesNotExist`,
      };
  }
}
