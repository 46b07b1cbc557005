/** Registers the site at the hub, and shows there that its agent lives. */
import type { Context, Controller } from "#control/runtime/controller.ts";
import { KubeError, type KubeObject } from "#ports/kube.ts";
import { type CrownSite, type CrownSpec, SEATS } from "../api/crown.ts";
import { BURIED_ANNOTATION, CORE_GROUP, CROWN_NAME, SYSTEM_NAMESPACE } from "../api/names.ts";
import { wasRemoved } from "../crown/departure.ts";
import { versionText } from "../version.ts";
import { CLUSTERS, CROWNS, LEASES } from "./resources.ts";
import type { Term } from "./term.ts";

const BEAT_SECONDS = 5;
const AGAIN_SECONDS = 1;
const ANSWER_SECONDS = 3;
const WORK = { group: "beat", key: "lease" };

export function leaseName(site: string): string {
  return `site-${site}`;
}

/** @param own how this site is reached; it gets a seat where it can hold the crown. */
export function heartbeatController(term: Term, own: Omit<CrownSite, "seat">): Controller {
  let registered = false;
  let heard: boolean | undefined;
  const tell = async (context: Context, now: boolean, signal: AbortSignal): Promise<void> => {
    if (heard === now) return;
    const holder = { heard: now, since: term.clock.wall().toISOString() };
    const ref = { resource: CROWNS, name: CROWN_NAME, subresource: "status" };
    await context.kube("site").patch(ref, { status: { holder } }, { signal });
    heard = now;
  };
  return {
    name: "heartbeat",
    inputs: [],
    outputs: [
      { cluster: "hub", group: LEASES.group, plural: LEASES.plural, part: term.site },
      { cluster: "site", group: CROWNS.group, plural: CROWNS.plural, part: "status.holder" },
    ],
    start: (context) => context.add(WORK),
    async reconcile(_work, context, signal) {
      try {
        if (!registered) await register(context, term, own, signal);
        registered = true;
        await beat(context, term, signal);
        await tell(context, true, signal);
        return { afterSeconds: BEAT_SECONDS };
      } catch (error) {
        await tell(context, false, signal);
        context.note(term.site, `the hub does not take its heartbeat: ${(error as Error).message}`);
        return { afterSeconds: AGAIN_SECONDS };
      }
    },
  };
}

async function beat(context: Context, { site, clock, graves }: Term, signal: AbortSignal): Promise<void> {
  const kube = context.kube("hub");
  const options = { signal, timeoutSeconds: ANSWER_SECONDS };
  const spec = {
    holderIdentity: site,
    leaseDurationSeconds: 3 * BEAT_SECONDS,
    renewTime: clock.wall().toISOString().replace("Z", "000Z"),
  };
  const ref = { resource: LEASES, namespace: SYSTEM_NAMESPACE, name: leaseName(site) };
  const { confirmed } = graves;
  const annotations = confirmed && { [BURIED_ANNOTATION]: versionText(confirmed) };
  try {
    await kube.patch(ref, { ...(annotations && { metadata: { annotations } }), spec }, options);
  } catch (error) {
    if (!(error instanceof KubeError) || error.status !== 404) throw error;
    const head = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name: ref.name } };
    await kube.create(
      { resource: LEASES, namespace: SYSTEM_NAMESPACE },
      { ...head, spec } as KubeObject,
      options,
    );
  }
}

/** The site's KubeFedCluster and its entry in the list of sites, once. */
async function register(
  context: Context,
  { site }: Term,
  own: Omit<CrownSite, "seat">,
  signal: AbortSignal,
): Promise<void> {
  const hub = context.kube("hub");
  const crown = await hub.get({ resource: CROWNS, name: CROWN_NAME }, { signal });
  const known = crown.spec.sites.find(({ name }) => name === site);
  const [endpoint = ""] = own.endpoints;
  if (wasRemoved(crown.spec, site)) throw new Error(`site ${site} was removed from the federation`);
  if (!known) {
    const sites = [...crown.spec.sites, { ...own, seat: seatFor(crown.spec, own.kind) }];
    await hub.replace(
      { resource: CROWNS, name: CROWN_NAME },
      { ...crown, spec: { ...crown.spec, sites } },
      { signal },
    );
  }
  const ref = { resource: CLUSTERS, namespace: SYSTEM_NAMESPACE, name: site };
  if (await hub.find(ref, { signal })) return;
  const spec = { apiEndpoint: endpoint, ...(own.caBundle !== undefined && { caBundle: own.caBundle }) };
  const head = { apiVersion: `${CORE_GROUP}/v1beta1`, kind: "KubeFedCluster", metadata: { name: site } };
  await hub.create({ resource: CLUSTERS, namespace: SYSTEM_NAMESPACE }, { ...head, spec }, { signal });
}

/** Above every seat that was ever given, as far as the crown remembers. */
export function seatFor({ sites, history, lastSeat = 0 }: CrownSpec, kind: CrownSite["kind"]): number {
  if (kind === "cloud") return 0;
  const given = [...sites.map(({ seat }) => seat), ...history.map(({ epoch }) => epoch % SEATS)];
  return Math.max(lastSeat, ...given) + 1;
}
