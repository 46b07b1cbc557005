/** What a person does with a federation: begins one, looks at sites and conflicts, lets deletions go. */
import { PanopticonError, wrongUse } from "#base/errors.ts";
import { found, installResources, isUnclaimed } from "#control/federation/agent/install.ts";
import { readyIn } from "#control/federation/agent/readiness-controller.ts";
import { BRAKES, CLUSTERS, CONFLICTS, CROWNS } from "#control/federation/agent/resources.ts";
import type { Conflict } from "#control/federation/api/conflict.ts";
import type { DeleteBrake } from "#control/federation/api/delete-brake.ts";
import type { Crown, CrownSite } from "#control/federation/api/crown.ts";
import { CROWN_NAME, FEDERATION_GROUP, SYSTEM_NAMESPACE } from "#control/federation/api/names.ts";
import type { Applied, Kube, KubeObject } from "#ports/kube.ts";

/**
 * Makes an API the hub of a new federation; what is there already stays.
 * @param site its `name` may be left to the first agent that runs with this API as its own
 */
export async function initFederation(
  kube: Kube,
  site: { readonly name: string | undefined; readonly endpoint: string; readonly authority?: string },
): Promise<{ readonly holder: string | undefined; readonly epoch: number }> {
  await installResources(kube);
  const first = {
    kind: "on-prem",
    endpoints: [site.endpoint],
    ...(site.authority !== undefined && { caBundle: Buffer.from(site.authority).toString("base64") }),
  } as const;
  await found(kube, first, site.name, new Date().toISOString());
  const { spec } = await crownOf(kube);
  return { holder: isUnclaimed(spec) ? undefined : spec.holder, epoch: spec.epoch };
}

/** FEDERATION_NONE (exit 2) where the API is no site of a federation. */
export async function crownOf(kube: Kube): Promise<Crown> {
  const crown = await kube.find({ resource: CROWNS, name: CROWN_NAME });
  if (crown) return crown;
  throw wrongUse(
    "FEDERATION_NONE",
    "This cluster is no site of a federation: it has no crown.",
    "Begin one: panopticon federate init --site NAME. Or name another --context.",
  );
}

export interface SiteLine {
  readonly name: string;
  readonly kind: CrownSite["kind"];
  readonly seat: number;
  readonly crowned: boolean;
  /** Undefined where its agent was never heard. */
  readonly ready: boolean | undefined;
  readonly message: string;
}

/**
 * The hub's view of every site, and what each site's own API says of deletions that are held back.
 * @param open a site's API, where there is a way to it
 */
export async function listSites(
  kube: Kube,
  open: (name: string) => Kube | undefined = () => undefined,
): Promise<readonly SiteLine[]> {
  const { spec } = await crownOf(kube);
  const clusters = (await kube.list({ resource: CLUSTERS, namespace: SYSTEM_NAMESPACE })).items;
  const brakes = await Promise.all(spec.sites.map(({ name }) => brakeAt(open(name), name)));
  return spec.sites.map(({ name, kind, seat }, index) => {
    const cluster = clusters.find(({ metadata }) => metadata?.name === name);
    const ready = cluster && readyIn(cluster);
    const said = cluster?.status?.conditions[0]?.message ?? "its agent has not registered yet";
    const { held = 0, token = "" } = brakes[index]?.status ?? {};
    const message = held > 0 ? `${said}; ${held} deletions are held back (${token})` : said;
    return { name, kind, seat, crowned: spec.holder === name, ready, message, held };
  });
}

/** Undefined where the site does not answer soon; that is told elsewhere. */
async function brakeAt(site: Kube | undefined, name: string): Promise<DeleteBrake | undefined> {
  try {
    return await site?.find({ resource: BRAKES, name }, { timeoutSeconds: 3 });
  } catch {
    return undefined;
  }
}

export async function listConflicts(kube: Kube): Promise<readonly Conflict[]> {
  await crownOf(kube);
  return (await kube.list({ resource: CONFLICTS })).items;
}

/** Decides a conflict; FEDERATION_CONFLICT_DECIDED where that was done before otherwise. */
export async function decideConflict(
  kube: Kube,
  name: string,
  resolution: "Apply" | "Discard",
): Promise<void> {
  const ref = { resource: CONFLICTS, name };
  const { spec } = await kube.get(ref);
  if (spec.resolution === resolution) return;
  if (spec.resolution !== undefined)
    throw new PanopticonError(
      [{ code: "FEDERATION_CONFLICT_DECIDED", message: `conflict ${name} was decided: ${spec.resolution}` }],
      1,
    );
  await kube.patch(ref, { spec: { resolution } });
}

/** Lets go exactly the deletions of a token; FEDERATION_TOKEN_OLD where others are held by now. */
export async function releaseBrake(site: Kube, name: string, token: string): Promise<number> {
  const ref = { resource: BRAKES, name };
  const brake = await site.find(ref);
  const held = brake?.status?.held ?? 0;
  if (!brake || held === 0 || brake.status?.token !== token)
    throw new PanopticonError(
      [
        {
          code: "FEDERATION_TOKEN_OLD",
          message:
            held === 0
              ? `nothing is held back at ${name}`
              : `${token} is not what is held back at ${name} now`,
          hint:
            held === 0
              ? "See what there is: panopticon site list"
              : `Look again; the token is ${brake?.status?.token}`,
        },
      ],
      1,
    );
  const head = { apiVersion: `${FEDERATION_GROUP}/v1`, kind: "DeleteBrake", metadata: { name } };
  await site.apply(ref, { ...head, spec: { release: token } } as Applied<KubeObject>, {
    fieldManager: "panopticon-cli",
  });
  return held;
}
