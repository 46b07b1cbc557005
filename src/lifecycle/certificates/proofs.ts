/**
 * Proofs as TXT records at the name servers of all sites, since an authority may
 * ask any of them. Each record is added and taken away by itself: orders side by
 * side prove the same names, with texts of their own.
 */
import { PanopticonError, worldFailed } from "#base/errors.ts";
import type { Emit } from "#base/events.ts";
import type { Proof } from "#converge/pki/acme.ts";
import { type Clock, pause } from "#control/runtime/clock.ts";
import type { NameServer } from "#ports/names.ts";

/** Of the records, seconds; a resolver that has seen too few texts asks again. */
const PROOF_TTL = 10;
const LOOK_MS = 500;
/** A server whose site has another one is waited for no longer. */
const GRACE_MS = 10_000;
/** Of those who change a zone at the same moment one is first: so many orders may end at once. */
const TRIES = 30;
const TRY_MS = 50;
/** What waiting does not mend. */
const HOPELESS = ["NAMES_KEY", "NAMES_CLOCK", "NAMES_FORGED"];

/** The name servers of one site. */
export interface SiteServers {
  readonly site: string;
  readonly servers: readonly NameServer[];
}

export interface ProofOptions {
  readonly clock: Clock;
  readonly emit: Emit;
  /** How long a site's servers may take. */
  readonly seconds: number;
}

/** The record's name for a name that is proved, with `*.` or without. */
export function proofName(name: string): string {
  return `_acme-challenge.${name.replace(/^\*\./, "")}`;
}

/**
 * Puts the proofs at every server and returns when each of them answers with
 * them. A silent server is passed over where another one of its site has them.
 * Errors: NAMES_KEY, NAMES_CLOCK, NAMES_FORGED at once; CERTIFICATE_NOT_VISIBLE
 * for each server that is not there in time.
 */
export async function placeProofs(
  sites: readonly SiteServers[],
  proofs: readonly Proof[],
  { clock, emit, seconds }: ProofOptions,
): Promise<void> {
  const began = clock.now();
  const waiting = new Map<NameServer, PanopticonError | undefined>();
  for (const { servers } of sites) for (const server of servers) waiting.set(server, undefined);
  const tryOne = async (server: NameServer): Promise<void> => {
    const trouble = await troubleAt(server, proofs);
    if (trouble === "none") waiting.delete(server);
    else waiting.set(server, trouble);
  };
  for (;;) {
    // All of them come to an end before one's failure is told: else a record could come after it was taken away.
    const tried = await Promise.allSettled([...waiting.keys()].map(tryOne));
    for (const one of tried) if (one.status === "rejected") throw one.reason;
    if (waiting.size === 0) return;
    const elapsed = clock.now() - began;
    if (elapsed >= Math.min(GRACE_MS, seconds * 1000) && canPassOver(sites, waiting)) {
      for (const { name } of waiting.keys())
        emit({
          kind: "note",
          subject: name,
          what: "silent: passed over, another server of its site answers",
        });
      return;
    }
    if (elapsed >= seconds * 1000) throw notVisible(sites, waiting, proofs, seconds);
    await pause(clock, LOOK_MS, NEVER);
  }
}

const NEVER = new AbortController().signal;

/** Puts what lacks and looks as anybody does; what keeps the server from answering with it, undefined where it just does not. */
async function troubleAt(
  server: NameServer,
  proofs: readonly Proof[],
): Promise<"none" | PanopticonError | undefined> {
  try {
    const lacking = await lackingAt(server, proofs);
    if (lacking.length === 0) return "none";
    await server.update({ replace: [], remove: [], add: lacking.map(record) });
    return (await lackingAt(server, proofs)).length === 0 ? "none" : undefined;
  } catch (error) {
    if (!(error instanceof PanopticonError) || HOPELESS.includes(codeOf(error))) throw error;
    return error;
  }
}

async function lackingAt(server: NameServer, proofs: readonly Proof[]): Promise<readonly Proof[]> {
  const names = [...new Set(proofs.map(({ name }) => name))];
  const shown = new Map(
    await Promise.all(names.map(async (name) => [name, await server.texts(name)] as const)),
  );
  return proofs.filter(({ name, text }) => !shown.get(name)?.includes(text));
}

/** Takes the proofs away wherever they are; gives the servers, by name, that could not be told. */
export async function removeProofs(
  sites: readonly SiteServers[],
  proofs: readonly Proof[],
  clock: Clock,
): Promise<readonly string[]> {
  if (proofs.length === 0) return [];
  const servers = sites.flatMap((site) => site.servers);
  const told = await Promise.all(
    servers.map(async (server) => ((await isClean(server, proofs, clock)) ? [] : [server.name])),
  );
  return told.flat();
}

async function isClean(server: NameServer, proofs: readonly Proof[], clock: Clock): Promise<boolean> {
  for (let tried = 1; tried <= TRIES; tried += 1) {
    try {
      await server.update({ replace: [], remove: [], drop: proofs.map(record) });
      return true;
    } catch (error) {
      if (!(error instanceof PanopticonError)) throw error;
      if (codeOf(error) !== "NAMES_CHANGED") return false;
      await pause(clock, TRY_MS, NEVER);
    }
  }
  return false;
}

function record({ name, text }: Proof) {
  return { name, type: "TXT" as const, ttl: PROOF_TTL, value: text };
}

type Waiting = ReadonlyMap<NameServer, PanopticonError | undefined>;

function canPassOver(sites: readonly SiteServers[], waiting: Waiting): boolean {
  return sites.every(({ servers }) => {
    const open = servers.filter((server) => waiting.has(server));
    const silent = open.every((server) => codeOf(waiting.get(server)) === "NAMES_SILENT");
    return open.length === 0 || (silent && open.length < servers.length);
  });
}

function notVisible(
  sites: readonly SiteServers[],
  waiting: Waiting,
  proofs: readonly Proof[],
  seconds: number,
): PanopticonError {
  const names = [...new Set(proofs.map(({ name }) => name))].join(", ");
  const errors = sites.flatMap(({ site, servers }) =>
    servers
      .filter((server) => waiting.has(server))
      .map((server) => {
        const why = waiting.get(server)?.problems[0]?.message ?? "it answers without them";
        return worldFailed(
          "CERTIFICATE_NOT_VISIBLE",
          `${server.name} at ${site} does not show the TXT records ${names} after ${seconds} s: ${why}`,
          "The authority was not asked, so nothing is lost: bring this name server back, or take the site out of the file, and run this again.",
        );
      }),
  );
  return new PanopticonError(
    errors.flatMap(({ problems }) => problems),
    3,
  );
}

function codeOf(error: PanopticonError | undefined): string {
  return error?.problems[0]?.code ?? "";
}
