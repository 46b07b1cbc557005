/**
 * Lets the agents of the other sites in here, before they need it: whoever is
 * crowned next has given each a credential long ago, sealed, and mirrored
 * wherever the federation is.
 */
import type { Context, Controller, Input } from "#control/runtime/controller.ts";
import { KubeError } from "#ports/kube.ts";
import type { Crown, CrownSite } from "../api/crown.ts";
import { CROWN_NAME, FEDERATION_GROUP } from "../api/names.ts";
import type { SealedAccess, SiteAccess } from "../api/site-access.ts";
import { ACCOUNTS, CROWNS, SITE_ACCESSES } from "../agent/resources.ts";
import type { Term } from "../agent/term.ts";
import { dueSeconds, grantAccess } from "./access.ts";

const WORK = { group: "access", key: "all" };
/** A member registers at the hub only after it began to follow it, and a new hub takes no writes at first. */
const NOT_REGISTERED_YET = { afterSeconds: 1 };
const LOOK_SECONDS = 3600;

/** @param publicKey this site's */
export function accessController({ site, clock }: Term, publicKey: string): Controller {
  const crowns: Input<Crown> = { cluster: "hub", resource: CROWNS, work: () => [WORK] };
  const accesses: Input<SiteAccess> = { cluster: "hub", resource: SITE_ACCESSES, work: () => [WORK] };
  return {
    name: "access",
    inputs: [crowns, accesses],
    outputs: [
      { cluster: "hub", group: FEDERATION_GROUP, plural: SITE_ACCESSES.plural, part: site },
      { cluster: "site", group: "", plural: ACCOUNTS.plural, part: "agents of other sites" },
    ],
    start: (context) => context.add(WORK),
    async reconcile(_work, context, signal) {
      const crown = context.cache(crowns).get(CROWN_NAME);
      const sites = crown && isOpen(crown) ? crown.spec.sites : [];
      const own = sites.find(({ name }) => name === site);
      if (!own) return NOT_REGISTERED_YET;
      const known = context.cache(accesses);
      const mine = known.get(site);
      const keyOf = (name: string): string | undefined => known.get(name)?.spec.publicKey;
      const now = clock.wall();
      const kube = context.kube("site");
      const access: SealedAccess[] = [];
      let next = LOOK_SECONDS;
      for (const { name, kind } of ownersOfKeys(sites, own)) {
        const key = keyOf(name);
        if (key === undefined) continue;
        const before = mine?.spec.access.find((one) => one.site === name);
        const due = dueSeconds(before, key, now);
        access.push(
          before && due > 0 ? before : await grantAccess(kube, { from: site, to: name, kind }, key),
        );
        if (due > 0) next = Math.min(next, due);
      }
      await publish(context, mine, { publicKey, access }, site, signal);
      return { afterSeconds: next };
    },
  };
}

function isOpen({ spec, status }: Crown): boolean {
  return status?.phase === "Open" && status.epoch === spec.epoch && !spec.frozen;
}

/** Whom a site lets in: all others, where it may become their hub. */
function ownersOfKeys(sites: readonly CrownSite[], own: CrownSite): readonly CrownSite[] {
  return own.seat > 0 ? sites.filter(({ name }) => name !== own.name) : [];
}

async function publish(
  context: Context,
  mine: SiteAccess | undefined,
  spec: SiteAccess["spec"],
  site: string,
  signal: AbortSignal,
): Promise<void> {
  if (mine && JSON.stringify(wordsOf(mine.spec)) === JSON.stringify(wordsOf(spec))) return;
  const hub = context.kube("hub");
  const head = { apiVersion: `${FEDERATION_GROUP}/v1`, kind: "SiteAccess" };
  const metadata = { ...mine?.metadata, name: site };
  const wanted: SiteAccess = { ...head, metadata, spec };
  try {
    if (mine) await hub.replace({ resource: SITE_ACCESSES, name: site }, wanted, { signal });
    else await hub.create({ resource: SITE_ACCESSES }, wanted, { signal });
  } catch (error) {
    // The watch is behind: what there really is comes with it, and this is done again.
    const late = error instanceof KubeError && ["KUBE_CONFLICT", "KUBE_ALREADY_EXISTS"].includes(error.code);
    if (!late) throw error;
    context.addAfter(WORK, 0.5);
  }
}

function wordsOf({ publicKey, access }: SiteAccess["spec"]): readonly string[] {
  return [publicKey, ...access.map(({ site, sealed }) => `${site} ${sealed}`)];
}
