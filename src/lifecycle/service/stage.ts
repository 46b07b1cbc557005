/**
 * How a new version reaches one site after the other. Until all have it, the
 * template stays as it was and the sites that have it differ from it by
 * overrides: sites that wait are not touched, a site that joins meanwhile gets
 * what has proved itself, and the hub alone knows how far the rollout has come.
 */
import { stableJson } from "#base/hash.ts";
import type { ClusterOverride, FederatedResource, Override } from "#control/federation/api/federated.ts";
import { at, type Json, isObject, type JsonObject } from "#control/federation/json.ts";
import { escapeKey } from "#control/federation/place/json-patch.ts";
import type { Cluster } from "#control/federation/place/placement.ts";
import { overrideOf, placedOn, REPLICAS_PATH, replicasAt } from "./part.ts";

export interface StageOptions {
  readonly clusters: readonly Cluster[];
  /** A ReplicaSchedulingPreference spreads the replicas: they and the sites are not ours to set. */
  readonly spread: boolean;
}

/** The resource once this site, too, has what is wanted; the very same where it has it already. */
export function staged(
  before: FederatedResource | undefined,
  wanted: FederatedResource,
  site: string,
  { clusters, spread }: StageOptions,
): FederatedResource {
  if (!before) {
    const placement = { ...wanted.spec?.placement, clusters: [{ name: site }] };
    return { ...wanted, spec: { ...wanted.spec, placement } };
  }
  const steps = difference(before.spec?.template ?? {}, wanted.spec?.template ?? {});
  const own = steps.filter(({ path }) => !spread || path !== REPLICAS_PATH);
  const kept = spread ? replicasOnly(overrideOf(before.spec?.overrides, site)) : [];
  const override: Override = { clusterName: site, clusterOverrides: [...own, ...kept] };
  const overrides = withOverride(before.spec?.overrides ?? [], override);
  const there = placedOn(before, clusters);
  const placement = there.includes(site)
    ? before.spec?.placement
    : { ...before.spec?.placement, clusters: [...there, site].map((name) => ({ name })) };
  return changed(before, { ...before, spec: { ...before.spec, ...(placement && { placement }), overrides } });
}

/** The resource once every site has what is wanted: the template says it, and nothing differs any more. */
export function finished(
  before: FederatedResource | undefined,
  wanted: FederatedResource,
  { spread }: Pick<StageOptions, "spread">,
): FederatedResource {
  if (!before) return wanted;
  const { clusters } = before.spec?.placement ?? {};
  const overrides = spread ? spreadSoFar(before) : [];
  const placement = { ...wanted.spec?.placement, ...(spread && clusters && { clusters }) };
  const metadata = { ...before.metadata, labels: wanted.metadata?.labels ?? {} };
  const spec = { ...wanted.spec, placement, ...(overrides.length > 0 && { overrides }) };
  return changed(before, { ...before, metadata, spec });
}

function changed(before: FederatedResource, after: FederatedResource): FederatedResource {
  const essence = ({ metadata, spec }: FederatedResource): string => {
    const { template, placement, overrides = [] } = spec ?? {};
    return stableJson({ labels: metadata?.labels ?? {}, template, placement, overrides });
  };
  return essence(before) === essence(after) ? before : after;
}

function withOverride(before: readonly Override[], override: Override): readonly Override[] {
  const others = before.filter(({ clusterName }) => clusterName !== override.clusterName);
  if ((override.clusterOverrides ?? []).length === 0) return others;
  if (others.length === before.length) return [...before, override];
  return before.map((one) => (one.clusterName === override.clusterName ? override : one));
}

/** What each site runs now, until the preference says otherwise: the template's own number would be a step back. */
function spreadSoFar(before: FederatedResource): readonly Override[] {
  if (typeof at(before.spec?.template, "spec", "replicas") !== "number") return [];
  const names = before.spec?.placement?.clusters?.map(({ name }) => name) ?? [];
  return names.map((clusterName) => {
    const kept = replicasOnly(overrideOf(before.spec?.overrides, clusterName));
    const value = replicasAt(before, clusterName);
    return { clusterName, clusterOverrides: kept.length > 0 ? kept : [{ path: REPLICAS_PATH, value }] };
  });
}

function replicasOnly(override: Override | undefined): readonly ClusterOverride[] {
  return (override?.clusterOverrides ?? []).filter(({ path }) => path === REPLICAS_PATH);
}

/** So far down differences are told apart; what is below is replaced as a whole. */
const DEPTH = 2;

/** The steps that lead from one template to the other. */
export function difference(
  from: JsonObject,
  to: JsonObject,
  depth = DEPTH,
  path = "",
): readonly ClusterOverride[] {
  const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])].toSorted();
  return keys.flatMap((key): readonly ClusterOverride[] => {
    const here = `${path}/${escapeKey(key)}`;
    const [old, next] = [own(from, key), own(to, key)];
    if (old === undefined) return [{ op: "add", path: here, value: next ?? null }];
    if (next === undefined) return [{ op: "remove", path: here }];
    if (stableJson(old) === stableJson(next)) return [];
    if (depth > 1 && isObject(old) && isObject(next)) return difference(old, next, depth - 1, here);
    return [{ op: "replace", path: here, value: next }];
  });
}

function own(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}
