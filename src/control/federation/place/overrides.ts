/** What differs at one site. */
import { type ClusterOverride, type FederatedResource, FIXED_PATHS } from "../api/federated.ts";
import type { DraftObject } from "../json.ts";
import { patchStep, pointerKeys } from "./json-patch.ts";

/** An override that can't be applied. */
export interface OverrideMistake {
  /** Such as `spec.overrides[0].clusterOverrides[2]`. */
  readonly at: string;
  readonly path: string;
  readonly why: string;
}

export interface PlacedOverride extends ClusterOverride {
  readonly at: string;
}

/** A site's overrides with their places; kubefed's rules: a cluster once, a path once, names and kind never. */
export function overridesFor(
  resource: FederatedResource,
  site: string,
): readonly PlacedOverride[] | OverrideMistake {
  const entries = (resource.spec?.overrides ?? [])
    .entries()
    .filter(([, { clusterName }]) => clusterName === site);
  const [first, second] = [...entries];
  if (second)
    return { at: `spec.overrides[${second[0]}]`, path: "", why: `cluster "${site}" has overrides already` };
  if (!first) return [];
  const [index, { clusterOverrides = [] }] = first;
  const placed = clusterOverrides.map((override, step) => ({
    ...override,
    at: `spec.overrides[${index}].clusterOverrides[${step}]`,
  }));
  return placed.map((one, step) => mistakeOf(one, placed.slice(0, step))).find(Boolean) ?? placed;
}

function mistakeOf(override: PlacedOverride, before: readonly PlacedOverride[]): OverrideMistake | undefined {
  const { at, path, op } = override;
  const wrong = (why: string) => ({ at, path, why });
  if (FIXED_PATHS.includes(path)) return wrong("name, namespace and kind can't differ from site to site");
  if (before.some((other) => other.path === path)) return wrong(`path "${path}" is overridden already`);
  if (!["", "add", "remove", "replace", undefined].includes(op))
    return wrong(`there is no operation "${op}", only add, remove and replace`);
  return undefined;
}

/** Applies them in order; the first that can't be ends it. A missing operation means replace. */
export function applyOverrides(
  draft: DraftObject,
  overrides: readonly PlacedOverride[],
): OverrideMistake | undefined {
  for (const { at, op, path, value } of overrides) {
    const step = { op: (op || "replace") as "add" | "remove" | "replace", path, value };
    const why = patchStep(draft, step);
    if (why !== undefined) return { at, path, why };
  }
  return undefined;
}

/** The keys directly below a field that overrides speak of: those, and no others, are the federation's there. */
export function touchedKeys(
  overrides: readonly PlacedOverride[],
  ...field: readonly string[]
): ReadonlySet<string> {
  const touched = overrides.flatMap(({ path, value }) => {
    const keys = pointerKeys(path);
    if (!field.every((key, depth) => keys[depth] === undefined || keys[depth] === key)) return [];
    const key = keys[field.length];
    if (key !== undefined) return [key];
    const below = field
      .slice(keys.length)
      .reduce<unknown>((here, name) => (here as DraftObject)?.[name], value);
    return Object.keys(below ?? {});
  });
  return new Set(touched);
}
