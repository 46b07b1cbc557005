/** Takes a site out of the federation for good, and lets a removed one in again. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Emit } from "#base/events.ts";
import { PanopticonError, wrongUse } from "#base/errors.ts";
import {
  CLUSTERS,
  CROWNS,
  federatedKindOf,
  kindName,
  TYPE_CONFIGS,
} from "#control/federation/agent/resources.ts";
import { readyIn } from "#control/federation/agent/readiness-controller.ts";
import type { Crown, CrownSpec, Farewell } from "#control/federation/api/crown.ts";
import type { FederatedResource } from "#control/federation/api/federated.ts";
import { CROWN_NAME, SYSTEM_NAMESPACE } from "#control/federation/api/names.ts";
import { readmitted, wasRemoved, withLeaving, withoutSite } from "#control/federation/crown/departure.ts";
import { type Kube, KubeError } from "#ports/kube.ts";
import { crownOf } from "./federation.ts";

const REF = { resource: CROWNS, name: CROWN_NAME };
const LOOK_MS = 500;
const TRIES = 10;

export interface RemovalPlan {
  /** By `plural.group` of the federated kind, how many have a copy at the site; types without any are left out. */
  readonly copies: Readonly<Record<string, number>>;
  readonly total: number;
}

/** What a removal would be about, as far as the hub knows. Errors: as `removeSite`. */
export async function planRemoval(hub: Kube, site: string): Promise<RemovalPlan> {
  withLeaving((await openCrown(hub)).spec, site, "orphan");
  const configs = (await hub.list({ resource: TYPE_CONFIGS })).items;
  const counted = await Promise.all(
    configs.map(async (config): Promise<[string, number]> => {
      const kind = federatedKindOf(config);
      const { items } = await hub.list<FederatedResource>({ resource: kind });
      const there = items.filter(({ status }) => status?.clusters?.some(({ name }) => name === site));
      return [kindName(kind), there.length];
    }),
  );
  const copies = Object.fromEntries(counted.filter(([, number]) => number > 0));
  return { copies, total: counted.reduce((sum, [, number]) => sum + number, 0) };
}

export interface RemovalOptions {
  readonly farewell: Farewell;
  /** The site is dead: only the hub's side is done; should it ever return, it makes its farewell then. */
  readonly gone: boolean;
  /** How long its farewell is waited for; it goes on without us. */
  readonly waitSeconds: number;
}

/** Errors: FEDERATION_SITE_UNKNOWN, …_CROWNED, …_STAYS, FEDERATION_NOT_HUB, FEDERATION_CROWN_MOVING. */
export async function removeSite(
  hub: Kube,
  site: string,
  { farewell, gone, waitSeconds }: RemovalOptions,
  emit: Emit,
): Promise<void> {
  const at = new Date().toISOString();
  await changeCrown(hub, (crown) => {
    if (wasRemoved(crown, site)) return undefined;
    return gone ? withoutSite(crown, site, farewell, at) : withLeaving(crown, site, farewell);
  });
  emit({ kind: "note", subject: site, what: gone ? "is taken from the list" : "is told to leave" });
  const end = performance.now() + waitSeconds * 1000;
  while (!(await isForgotten(hub, site))) {
    if (performance.now() > end) throw await stays(hub, site, waitSeconds);
    await sleep(LOOK_MS);
  }
}

/** Lets a removed site join again under its name; FEDERATION_SITE_UNKNOWN where none of that name was removed. */
export async function readmitSite(hub: Kube, site: string): Promise<void> {
  await changeCrown(hub, (crown) => readmitted(crown, site));
}

async function isForgotten(hub: Kube, site: string): Promise<boolean> {
  const { spec } = await crownOf(hub);
  if (!wasRemoved(spec, site)) return false;
  return !(await hub.find({ resource: CLUSTERS, namespace: SYSTEM_NAMESPACE, name: site }));
}

/** The crown at the hub itself, where alone it can be changed; FEDERATION_NOT_HUB elsewhere. */
export async function openCrown(hub: Kube): Promise<Crown> {
  const crown = await crownOf(hub);
  if (crown.status?.phase === "Open" && crown.status.epoch === crown.spec.epoch) return crown;
  throw wrongUse(
    "FEDERATION_NOT_HUB",
    `this cluster is not the hub: the crown is at ${crown.spec.holder}`,
    `Name the hub's context: --context ${crown.spec.holder}`,
  );
}

/** Changes the crown at the hub; tries again where the agents' own notes came between. Errors: as `openCrown`. */
export async function changeCrown(
  hub: Kube,
  next: (crown: CrownSpec) => CrownSpec | undefined,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const crown = await openCrown(hub);
    const spec = next(crown.spec);
    if (!spec) return;
    try {
      await hub.replace(REF, { ...crown, spec });
      return;
    } catch (error) {
      if (!(error instanceof KubeError) || error.code !== "KUBE_CONFLICT" || tries >= TRIES) throw error;
    }
  }
}

async function stays(hub: Kube, site: string, seconds: number): Promise<PanopticonError> {
  const cluster = await hub.find({ resource: CLUSTERS, namespace: SYSTEM_NAMESPACE, name: site });
  const heard = cluster !== undefined && readyIn(cluster) === true;
  const message = heard
    ? `site ${site} has not left within ${seconds} s: something there keeps a copy from going, such as a finalizer`
    : `site ${site} has not left within ${seconds} s: its agent is not heard`;
  const hint = heard
    ? `It goes on by itself; the log of its agent says what it waits for. Wait longer: panopticon site remove ${site} … --wait SECONDS`
    : "It leaves as soon as its agent is back. If it is dead for good, add --gone.";
  return new PanopticonError([{ code: "FEDERATION_SITE_STAYS", message, hint, subject: site }], 3);
}
