/** Which crown a site follows: the newest that it has heard of, kept in its own API. */
import { type PanopticonError, wrongUse } from "#base/errors.ts";
import { type Clock, pause } from "#control/runtime/clock.ts";
import type { Emit } from "#base/events.ts";
import type { Kube } from "#ports/kube.ts";
import type { Crown, CrownSite, CrownSpec } from "../api/crown.ts";
import { CROWN_NAME } from "../api/names.ts";
import { sitesToAsk } from "../crown/epoch.ts";
import { wasRemoved } from "../crown/departure.ts";
import { crownObject, isUnclaimed } from "./install.ts";
import { CROWNS } from "./resources.ts";

const RETRY_MS = 500;

export interface CrownSettings {
  readonly site: string;
  readonly own: Kube;
  /** The hub that this site was told of when it joined; undefined where it is the hub itself. */
  readonly firstHub: Kube | undefined;
  /** Sites that there are credentials for, whatever the crown says. */
  readonly named?: readonly string[];
  /** A client of another site; undefined where there are no credentials for it. */
  readonly open: (site: CrownSite) => Kube | undefined;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  /** The site is no part of the federation any more; with an error where it was so before the agent began. */
  readonly leave: (error?: PanopticonError) => void;
}

export interface Crowns {
  own(): Crown | undefined;
  client(site: CrownSite): Kube | undefined;
  /** Resolves at the next change of the own crown. */
  news(signal: AbortSignal): Promise<void>;
  readonly ended: Promise<unknown>;
}

/** Follows the crowns of this site and of all that may hold one, and keeps the own one the newest. */
export function followCrowns({
  site,
  own,
  firstHub,
  named = [],
  open,
  signal,
  clock,
  emit,
  leave,
}: CrownSettings): Crowns {
  const heard = new Map<string, CrownSpec>();
  const clients = new Map<string, Kube | undefined>();
  const follows: Promise<void>[] = [];
  let mine: Crown | undefined;
  let listed = false;
  let news = Promise.withResolvers<void>();
  let busy = false;

  const client = (other: CrownSite): Kube | undefined => {
    const key = `${other.name} ${other.endpoints.join()}`;
    if (!clients.has(key)) clients.set(key, open(other));
    return clients.get(key);
  };
  const follow = (kube: Kube, see: (crown: Crown | undefined) => void): void => {
    const follower = {
      replace: (items: readonly Crown[]) => see(items[0]),
      change: (type: string, crown: Crown) => see(type === "deleted" ? undefined : crown),
    };
    follows.push(kube.listAndWatch({ resource: CROWNS }, follower, { signal }));
  };
  const followed = new Set<string>();
  const followOthers = (): void => {
    for (const other of mine ? sitesToAsk(mine.spec, site) : []) {
      const kube = other.seat > 0 && !followed.has(other.name) ? client(other) : undefined;
      if (!kube) continue;
      followed.add(other.name);
      follow(kube, (crown) => hear(other.name, crown));
    }
  };
  /** An API that was emptied has no list of sites, and may be the very hub that others were told of. */
  const followNamed = (): void => {
    for (const name of mine ? [] : named) {
      if (name === site || followed.has(name)) continue;
      const kube = open({ name, kind: "on-prem", seat: 0, endpoints: [] });
      if (kube) follow(kube, (crown) => hear(name, crown));
      followed.add(name);
    }
  };
  const hear = (from: string, crown: Crown | undefined): void => {
    if (crown && !isUnclaimed(crown.spec)) heard.set(from, crown.spec);
    void keepNewest();
  };
  const keepNewest = async (): Promise<void> => {
    if (!listed || busy) return;
    busy = true;
    try {
      for (
        let next = better(site, mine?.spec, heard);
        next && !signal.aborted;
        next = better(site, mine?.spec, heard)
      ) {
        if (!mine && wasRemoved(next, site)) return leave(removedError(next, site));
        await write(next).catch(async (error: Error) => {
          emit({ kind: "note", subject: site, what: `its crown can't be written: ${error.message}` });
          await pause(clock, RETRY_MS, signal);
        });
      }
    } finally {
      busy = false;
    }
  };
  const write = async (spec: CrownSpec): Promise<void> => {
    const ref = { resource: CROWNS, name: CROWN_NAME };
    const present = await own.find(ref, { signal });
    const newer = present && better(site, present.spec, new Map([[spec.holder, spec]])) === undefined;
    if (newer) mine = present;
    else if (present) mine = await own.replace(ref, { ...present, spec }, { signal });
    else mine = await own.create({ resource: CROWNS }, crownObject(spec), { signal });
    tell();
  };
  const tell = (): void => {
    news.resolve();
    news = Promise.withResolvers<void>();
    followOthers();
  };
  follow(own, (crown) => {
    listed = true;
    mine = crown;
    tell();
    followNamed();
    void keepNewest();
  });
  if (firstHub) follow(firstHub, (crown) => hear(crown?.spec.holder ?? "", crown));
  return {
    own: () => mine,
    client,
    news: (ends) =>
      Promise.race([
        news.promise,
        new Promise<void>((resolve) => ends.addEventListener("abort", () => resolve(), { once: true })),
      ]),
    get ended() {
      return Promise.all(follows);
    },
  };
}

/** What should stand in place of the own crown: a newer epoch from anybody, the same one from its holder. */
function better(
  site: string,
  own: CrownSpec | undefined,
  heard: ReadonlyMap<string, CrownSpec>,
): CrownSpec | undefined {
  let best = own;
  for (const [from, crown] of heard) {
    const newer = !best || crown.epoch > best.epoch;
    const told = best && crown.epoch === best.epoch && from === best.holder && from !== site;
    if (newer || (told && JSON.stringify(crown) !== JSON.stringify(best))) best = crown;
  }
  return best === own ? undefined : best;
}

/** Why a site without a crown may not follow this hub: it was removed from its federation; undefined where it may, or the hub does not say. */
export async function removedFrom(own: Kube, hub: Kube, site: string): Promise<PanopticonError | undefined> {
  const ref = { resource: CROWNS, name: CROWN_NAME };
  const answer = { timeoutSeconds: 3 };
  // Where the definitions are not yet, there is no crown either.
  if (await own.find(ref, answer)) return undefined;
  const crown = await hub.find(ref, answer).catch(() => undefined);
  return crown && wasRemoved(crown.spec, site) ? removedError(crown.spec, site) : undefined;
}

/** What a site without a crown of its own is told by a federation that it was removed from. */
function removedError({ departed }: CrownSpec, site: string): PanopticonError {
  const at = departed?.find(({ name }) => name === site)?.at ?? "";
  return wrongUse(
    "FEDERATION_SITE_REMOVED",
    `site ${site} was removed from the federation at ${at}`,
    `Let it in again: panopticon site readmit ${site}`,
  );
}
