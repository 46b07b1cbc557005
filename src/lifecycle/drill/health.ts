/** Whether all is as it was before the fault. */
import { siteStatus, type SiteStatus } from "#converge/status.ts";
import type { DrillSite } from "./fault.ts";
import type { DrillWatch } from "./watch.ts";

/** An answer this fresh counts as answering now, in seconds. */
const FRESH_SECONDS = 1;
const PAUSE_MS = 1500;

/** Waits until every site is well; what is still wrong, in words, where that takes longer than `seconds`. */
export async function becomesHealthy(
  site: DrillSite,
  watch: DrillWatch,
  seconds: number,
): Promise<readonly string[]> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    // The cheap questions come first: the machines are asked only once the probes are content.
    const silent = [...watch.sites.keys()].flatMap((name) => silences(name, watch));
    const wrong = silent.length > 0 ? silent : await unwell(site, watch);
    if (wrong.length === 0 || Date.now() > end) return wrong;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

function silences(name: string, watch: DrillWatch): readonly string[] {
  const site = watch.sites.get(name);
  if (!site) return [];
  const doors = watch.outside.entrances(name);
  return [
    ...(site.api.gap.sinceAnswer() > FRESH_SECONDS ? [`the API of ${name} does not answer`] : []),
    ...(site.etcd.gap.sinceAnswer() > FRESH_SECONDS ? [`etcd of ${name} takes no writes`] : []),
    ...(doors.some((since) => since > FRESH_SECONDS)
      ? [`the test service of ${name} is not back everywhere`]
      : []),
    ...(site.holders.now().length === 1 ? [] : [`the VIP of ${name} is not held by exactly one`]),
  ];
}

async function unwell({ context }: DrillSite, watch: DrillWatch): Promise<readonly string[]> {
  const status = await siteStatus(context);
  if (!status.well) return reasons(status);
  const hashes = (await watch.sites.get(context.site.name)?.etcd.hashes()) ?? new Map<string, string>();
  if (new Set(hashes.values()).size <= 1 && ![...hashes.values()].includes("no answer")) return [];
  return [`etcd's members disagree: ${[...hashes].map(([member, hash]) => `${member} ${hash}`).join(", ")}`];
}

/** What of a site is unwell, in words. */
export function reasons(status: SiteStatus): readonly string[] {
  const machines = status.machines.filter(({ well }) => !well);
  const { etcd, holders } = status;
  return [
    ...machines.map(({ name, state, health }) => `${name} is ${state}${health ? `, ${health}` : ""}`),
    ...(status.api === "answers" ? [] : [`the API of ${status.name} does not answer`]),
    ...(holders.length === 1
      ? []
      : [`the VIP of ${status.name} is held by ${holders.join(" and ") || "nobody"}`]),
    ...(etcd && etcd.voting === etcd.planned ? [] : [`not all etcd members of ${status.name} vote`]),
  ];
}
