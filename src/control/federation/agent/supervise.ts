/**
 * One site's agent: keeps the site's crown true to the newest that is heard of,
 * and runs the controllers of a term, anew for each crowning.
 */
import { pause, type Clock } from "#control/runtime/clock.ts";
import type { Context, Controller } from "#control/runtime/controller.ts";
import { type Running, startControllers } from "#control/runtime/run.ts";
import type { Emit } from "#base/events.ts";
import type { Kube } from "#ports/kube.ts";
import type { Crown, CrownSite, CrownSpec } from "../api/crown.ts";
import { CROWN_NAME } from "../api/names.ts";
import { sitesToAsk } from "../crown/epoch.ts";
import { openGraves } from "./graves.ts";
import { keepConflicts, packAway, unpack } from "./handover.ts";
import { crownObject, isUnclaimed } from "./install.ts";
import { openReports } from "./reports.ts";
import { CROWNS } from "./resources.ts";
import type { Term } from "./term.ts";

const RETRY_MS = 500;
const LOOK_MS = 100;

export interface AgentSettings {
  readonly site: string;
  readonly own: Kube;
  /** The hub that this site was told of when it joined; undefined where it is the hub itself. */
  readonly firstHub: Kube | undefined;
  /** A client of another site; undefined where there are no credentials for it. */
  readonly open: (site: CrownSite) => Kube | undefined;
  /** The controllers of a term; `ready` holds back the copying of a hub that is not to be copied yet. */
  controllers(term: Term, ready: (context: Context) => Promise<void>): readonly Controller[];
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  /** Told of each term's controllers, for health and metrics. */
  readonly running: (now: Running) => void;
}

/** Works until `signal` is aborted; never fails for what the world does. */
export async function superviseSite(settings: AgentSettings): Promise<void> {
  const { signal, clock, emit, site } = settings;
  const crowns = followCrowns(settings);
  while (!signal.aborted) {
    const own = crowns.own();
    if (!own) {
      await crowns.news(signal);
      continue;
    }
    try {
      if (!(await prepare(settings, own))) continue;
      await serveTerm(settings, own.spec, crowns);
    } catch (error) {
      if (signal.aborted) break;
      emit({ kind: "note", subject: site, what: `${(error as Error).message}; trying again` });
      await pause(clock, RETRY_MS, signal);
    }
  }
  await crowns.ended;
}

/** Whether the site's API is what its crown says; what it lacks is done first, and looked at again. */
async function prepare({ own, site, clock, emit }: AgentSettings, seen: Crown): Promise<boolean> {
  const crown = await own.get({ resource: CROWNS, name: CROWN_NAME });
  const { spec, status } = crown;
  const say = (what: string): void => emit({ kind: "note", subject: site, what });
  const set = async (phase: "Unpacking" | "Open" | "Member"): Promise<void> => {
    const ref = { resource: CROWNS, name: CROWN_NAME, subresource: "status" };
    await own.patch(ref, { status: { phase, epoch: spec.epoch } });
  };
  if (spec.epoch !== seen.spec.epoch) return false;
  if (status?.phase === "Open" && (status.epoch ?? 0) < spec.epoch) {
    say(`was the hub of epoch ${status.epoch}: keeping what it holds`);
    await packAway(own, status.epoch ?? 0, clock.wall().toISOString());
    await set("Member");
  }
  if (spec.holder !== site) {
    if (status?.phase !== "Member" || status.epoch !== spec.epoch) await set("Member");
    return true;
  }
  if (status?.phase === "Open" && status.epoch === spec.epoch) return true;
  if (spec.history.at(-1)?.how !== "founded") {
    say(`is crowned in epoch ${spec.epoch}: unpacking the mirrors`);
    await set("Unpacking");
    await unpack(own);
  }
  await set("Open");
  return true;
}

/** Runs the controllers until another crowning is known. */
async function serveTerm(settings: AgentSettings, crown: CrownSpec, crowns: Crowns): Promise<void> {
  const { site, own, clock, random, emit, signal } = settings;
  const holds = crown.holder === site;
  const holder = crown.sites.find(({ name }) => name === crown.holder);
  const hub = holds ? own : ((holder && crowns.client(holder)) ?? settings.firstHub);
  if (!hub) throw new Error(`there are no credentials for the hub ${crown.holder}`);
  const term: Term = { site, crown, holds, clock, reports: openReports(), graves: openGraves() };
  const ready = async (context: Context): Promise<void> => {
    if (!holds) await hubIsOpen(settings, hub, own, crown, context);
  };
  const end = new AbortController();
  const ends = AbortSignal.any([signal, end.signal]);
  emit({ kind: "note", subject: site, what: `follows ${crown.holder} in epoch ${crown.epoch}` });
  const running = startControllers(settings.controllers(term, ready), {
    clusters: { site: own, hub },
    clock,
    random,
    emit,
    signal: ends,
  });
  settings.running(running);
  const work = running.work(ends);
  while (!ends.aborted) {
    await Promise.race([crowns.news(ends), work]);
    if (crowns.own()?.spec.epoch !== crown.epoch) end.abort(new Error("the crown has gone on"));
  }
  await work;
}

/** Resolves once the hub is open in this epoch and what it lacks of ours is kept. */
async function hubIsOpen(
  { site, clock, emit }: AgentSettings,
  hub: Kube,
  own: Kube,
  crown: CrownSpec,
  { signal }: Context,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const there = await hub.get({ resource: CROWNS, name: CROWN_NAME }, { signal });
      const { phase, epoch } = there.status ?? {};
      if (there.spec.epoch === crown.epoch && phase === "Open" && epoch === crown.epoch) {
        const at = clock.wall().toISOString();
        const strays = await keepConflicts(own, hub, { name: site, crown: there.spec, at });
        if (strays > 0) emit({ kind: "note", subject: site, what: `${strays} writes were not inherited` });
        return;
      }
    } catch (error) {
      if (!signal.aborted) emit({ kind: "note", subject: site, what: (error as Error).message });
    }
    await pause(clock, 2 * LOOK_MS, signal);
  }
}

interface Crowns {
  own(): Crown | undefined;
  client(site: CrownSite): Kube | undefined;
  /** Resolves at the next change of the own crown. */
  news(signal: AbortSignal): Promise<void>;
  readonly ended: Promise<unknown>;
}

/** Follows the crowns of this site and of all that may hold one, and keeps the own one the newest. */
function followCrowns({ site, own, firstHub, open, signal, clock, emit }: AgentSettings): Crowns {
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
