/**
 * One site's agent: keeps the site's crown true to the newest that is heard of,
 * and runs the controllers of a term, anew for each crowning.
 */
import { pause } from "#control/runtime/clock.ts";
import type { Context, Controller } from "#control/runtime/controller.ts";
import { type Running, startControllers } from "#control/runtime/run.ts";
import type { Kube } from "#ports/kube.ts";
import type { Crown, CrownSpec } from "../api/crown.ts";
import { CROWN_NAME } from "../api/names.ts";
import { farewellOf } from "../crown/departure.ts";
import { type Crowns, type CrownSettings, followCrowns } from "./crowns.ts";
import { openFresh } from "./fresh.ts";
import { openGraves } from "./graves.ts";
import { keepConflicts, packAway, unpack } from "./handover.ts";
import { openReports } from "./reports.ts";
import { CROWNS, MIRRORS } from "./resources.ts";
import type { Term } from "./term.ts";

const RETRY_MS = 500;
const LOOK_MS = 100;

export interface AgentSettings extends CrownSettings {
  /** The controllers of a term; `ready` holds back the copying of a hub that is not to be copied yet. */
  controllers(term: Term, ready: (context: Context) => Promise<void>): readonly Controller[];
  readonly random: () => number;
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
      if (!(await prepare(settings, own, crowns))) continue;
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
async function prepare(
  { own, site, clock, emit, signal }: AgentSettings,
  seen: Crown,
  crowns: Crowns,
): Promise<boolean> {
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
  if (!status?.phase && spec.sites.length > 1 && (await isEmptied(own))) {
    say(
      "holds the crown and nothing else: its API was emptied. Move the crown to a site that has everything",
    );
    await crowns.news(signal);
    return false;
  }
  if (spec.history.at(-1)?.how !== "founded") {
    say(`is crowned in epoch ${spec.epoch}: unpacking the mirrors`);
    await set("Unpacking");
    await unpack(own);
  }
  await set("Open");
  return true;
}

/** Whether what a hub of several sites has at least is lost. It heard of its crown from others: to open it would be to begin anew. */
async function isEmptied(own: Kube): Promise<boolean> {
  return (await own.list({ resource: MIRRORS }, { pageSize: 1 })).items.length === 0;
}

/** Runs the controllers until another crowning is known. */
async function serveTerm(settings: AgentSettings, crown: CrownSpec, crowns: Crowns): Promise<void> {
  const { site, own, clock, random, emit, signal } = settings;
  const holds = crown.holder === site;
  const holder = crown.sites.find(({ name }) => name === crown.holder);
  const hub = holds ? own : ((holder && crowns.client(holder)) ?? settings.firstHub);
  if (!hub) throw new Error(`there are no credentials for the hub ${crown.holder}`);
  const term: Term = {
    site,
    crown,
    holds,
    clock,
    reports: openReports(),
    graves: openGraves(),
    fresh: openFresh(),
    leave: () => settings.leave(),
  };
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
    const now = crowns.own()?.spec;
    if (now?.epoch !== crown.epoch) end.abort(new Error("the crown has gone on"));
    else if (farewellOf(now, site) !== farewellOf(crown, site))
      end.abort(new Error("the site stays no longer, or again"));
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
        // A cloud site takes no writes, and may not look into the hub: what it has too much of it asks about.
        if (isCloud(there.spec, site)) return;
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

function isCloud({ sites }: CrownSpec, site: string): boolean {
  return sites.some(({ name, kind }) => name === site && kind === "cloud");
}
