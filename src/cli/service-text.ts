/** Services in words and tables. */
import type { ServicePlan } from "#app/service-plan.ts";
import type { ServiceState } from "#app/service-state.ts";
import { stableJson } from "#base/hash.ts";
import { colour, count, table } from "./print.ts";

/** A plan as `-o json` shows it; field names never change. */
export function planValue({ service, order, changes, enable, notes, preferenceChanges }: ServicePlan) {
  return {
    service: service.name,
    namespace: service.namespace,
    image: service.image,
    hosts: service.hosts,
    sites: order,
    enable: enable.map(({ type }) => type),
    totalReplicasChange: preferenceChanges,
    objects: changes,
    notes,
  };
}

/** What a deployment did or would do. */
export function changeLines(
  plan: ServicePlan,
  { dryRun, changed }: { readonly dryRun: boolean; readonly changed: boolean },
): readonly string[] {
  const { service, order, changes, enable } = plan;
  const sites = order.join(", then ");
  if (!changed) return [`${service.name} is deployed as the file says.`];
  if (!dryRun)
    return [
      `${service.name} runs ${service.image} at ${order.join(", ")}.`,
      ...service.hosts.map((host) => `https://${host}`),
    ];
  return [
    `${service.name} would go to ${sites}.`,
    ...enable.map(({ type }) => `The type ${type} would be federated.`),
    ...table(
      ["OBJECT", "WHAT", "WHERE IT CHANGES"],
      changes.map(({ object, action, fields }) => [
        object,
        action,
        action === "change" ? fields.map(({ path }) => path).join(" ") || "where it goes" : "",
      ]),
    ),
    ...(plan.preferenceChanges ? ["The total would be spread anew."] : []),
  ];
}

/** What differs, path by path, as the hub has it and as the file has it. */
export function diffLines({ service, changes, preferenceChanges }: ServicePlan): readonly string[] {
  const lines = changes.flatMap(({ object, action, fields }) => {
    if (action === "same") return [];
    const head = colour("bold", `${object}: ${action}`);
    if (action !== "change") return [head];
    if (fields.length === 0) return [head, "  where it goes, or a rollout that has not ended"];
    return [
      head,
      ...fields.flatMap(({ path, before, after }) => [
        `  ${path}`,
        ...valueLines("red", "-", before),
        ...valueLines("green", "+", after),
      ]),
    ];
  });
  const total = preferenceChanges ? [colour("bold", "ReplicaSchedulingPreference: change")] : [];
  const all = [...lines, ...total];
  return all.length > 0 ? all : [`${service.name} is deployed as the file says.`];
}

function valueLines(tone: "red" | "green", sign: string, value: unknown): readonly string[] {
  return value === undefined ? [] : [`  ${colour(tone, `${sign} ${stableJson(value)}`)}`];
}

export function listLines(services: readonly ServiceState[]): readonly string[] {
  if (services.length === 0) return ["There is no service yet: panopticon service deploy FILE"];
  return table(
    ["NAME", "STATE", "SITES", "IMAGE", "HOSTS"],
    services.map(({ name, sites, hosts }) => [
      name,
      stateWord(sites),
      sites.map(({ site }) => site).join(","),
      [...new Set(sites.map(({ image }) => image))].join(","),
      hosts.join(","),
    ]),
  );
}

export function statusLines({ name, namespace, hosts, sites }: ServiceState): readonly string[] {
  return [
    `${colour("bold", name)} in namespace ${namespace}, at ${count(sites.length, "site")}: ${stateWord(sites)}`,
    ...hosts.map((host) => `https://${host}`),
    ...table(
      ["SITE", "STATE", "AVAILABLE", "IMAGE", "WHY"],
      sites.map(({ site, state, available, wanted, image, why }) => [
        site,
        toned(state),
        `${available}/${wanted}`,
        image,
        why,
      ]),
    ),
  ];
}

/** Of a service at all its sites. */
export function stateWord(sites: ServiceState["sites"]): string {
  const unwell = sites.filter(({ state }) => state !== "well");
  if (sites.length === 0) return colour("yellow", "nowhere");
  if (unwell.length === 0) return colour("green", "well");
  return colour("yellow", `well at ${sites.length - unwell.length} of ${sites.length}`);
}

function toned(state: string): string {
  return colour(state === "well" ? "green" : state === "waiting" ? "yellow" : "red", state);
}
