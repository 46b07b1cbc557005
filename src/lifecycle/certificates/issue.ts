/**
 * A certificate from an ACME authority, from the order to the file. It may be
 * killed anywhere: what is open is written down before each step, and the next
 * call goes on with it, or takes away what it had put at name servers.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { worldFailed } from "#base/errors.ts";
import { pause } from "#control/runtime/clock.ts";
import type { OpenOrder, OrderStore, Proof } from "#converge/pki/acme.ts";
import { certificateRequest, type KeyedCertificate, newKeyPair } from "#converge/pki/x509.ts";
import type { Acme, AcmeAuthorization, AcmeOrder } from "#ports/acme.ts";
import { placeProofs, proofName, type ProofOptions, removeProofs, type SiteServers } from "./proofs.ts";
import { standing } from "./standing.ts";

/** How long an authority may take to look at a proof, or to sign. */
const AUTHORITY_SECONDS = 180;
const LEAST_PAUSE_SECONDS = 1;

export interface Job extends ProofOptions {
  /** Whose certificate it is. */
  readonly site: string;
  readonly names: readonly string[];
  readonly acme: Acme;
  /** All sites, not this one alone. */
  readonly servers: readonly SiteServers[];
  readonly store: OrderStore;
  /** Keeps the certificate. */
  readonly keep: (certificate: KeyedCertificate) => Promise<void>;
}

/**
 * Orders, proves, receives and keeps the certificate. Errors: those of `Acme`
 * and `placeProofs`; CERTIFICATE_NO_PROOF where the authority wants another
 * proof than TXT records; CERTIFICATE_AUTHORITY_SLOW; CERTIFICATE_WRONG where
 * what comes is not what was ordered.
 */
export async function issueCertificate(job: Job): Promise<void> {
  let { open, order } = await openOrder(job);
  if (order.status === "pending") {
    open = await prove(job, open, order);
    order = await settled(job, "order", () => looked(job, order.url), ["pending"]);
  }
  // Proofs of a run that was killed after they had been looked at.
  open = await cleaned(job, open);
  if (order.status === "ready") {
    await job.acme.finalize(order, await certificateRequest(open.key, job.names));
    order = await looked(job, order.url);
  }
  order = await settled(job, "certificate", () => looked(job, order.url), ["processing", "ready"], order);
  if (order.status !== "valid" || order.certificate === undefined) {
    await forget(job, open);
    throw order.problem ?? wrong(job, `the order is ${order.status}`);
  }
  const text = await job.acme.download(order.certificate);
  const fault = faultOf(job, open.key, text);
  if (fault === undefined) await job.keep({ key: open.key, certificate: `${text.trimEnd()}\n` });
  await forget(job, open);
  if (fault !== undefined) throw wrong(job, fault);
}

/** What is needed to leave nothing behind. */
type Leaving = Pick<Job, "servers" | "store" | "emit" | "clock">;

/** Takes away what an order that came to its end left at name servers; gives the servers that could not be told. */
export async function removeLeftovers(job: Leaving): Promise<void> {
  const open = await job.store.read();
  if (open !== undefined) await forget(job, open);
}

interface Begun {
  readonly open: OpenOrder;
  readonly order: AcmeOrder;
}

/** The one that is open, where it is for the same names and still good for something; else a new one. */
async function openOrder(job: Job): Promise<Begun> {
  const { acme, names, store } = job;
  const before = await store.read();
  if (before?.url !== undefined && sameNames(before.names, names)) {
    const order = await acme.look(before.url);
    if (order && ["pending", "ready", "processing", "valid"].includes(order.status))
      return { open: before, order };
  }
  const left = before ? await leftOf(job, before.proofs) : [];
  const order = await acme.order(names);
  const open: OpenOrder = { names, url: order.url, key: newKeyPair().privateKey, proofs: left };
  await store.write(open);
  return { open, order };
}

/** Puts the proofs where they can be seen, has them looked at, and takes them away whatever comes of it. */
async function prove(job: Job, before: OpenOrder, order: AcmeOrder): Promise<OpenOrder> {
  const { acme, store, emit, site } = job;
  const wanted = (await authorizationsOf(job, order)).filter(({ state }) => state.status === "pending");
  const proofs = wanted.map(({ state }) => proofOf(state));
  const known = before.proofs.filter((one) => !proofs.some((other) => isSame(one, other)));
  const open = { ...before, proofs: [...known, ...proofs] };
  // Written first: what stands at a name server is always known here.
  await store.write(open);
  try {
    await placeProofs(job.servers, proofs, job);
    emit({
      kind: "note",
      subject: site,
      what: "every site shows the proofs: the authority is asked to look",
    });
    for (const { state } of wanted)
      if (state.challenge?.status === "pending") await acme.answer(state.challenge.url);
    for (const { url, state } of wanted) await proved(job, url, state.name);
  } catch (error) {
    await cleaned(job, open);
    throw error;
  }
  return await cleaned(job, open);
}

async function authorizationsOf(job: Job, order: AcmeOrder) {
  return await Promise.all(
    order.authorizations.map(async (url) => ({ url, state: await job.acme.authorization(url) })),
  );
}

function proofOf({ name, challenge }: AcmeAuthorization): Proof {
  if (challenge) return { name: proofName(name), text: challenge.text };
  throw worldFailed(
    "CERTIFICATE_NO_PROOF",
    `the authority takes no TXT record as proof that ${name} is ours`,
    "Choose one that offers the challenge dns-01.",
  );
}

async function proved(job: Job, url: string, name: string): Promise<void> {
  const state = await settled(job, `word on ${name}`, () => job.acme.authorization(url), [
    "pending",
    "processing",
  ]);
  if (state.status !== "valid")
    throw state.problem ?? wrong(job, `${name} was not believed (${state.status})`);
}

async function looked({ acme, site }: Job, url: string): Promise<AcmeOrder> {
  const order = await acme.look(url);
  if (order) return order;
  throw worldFailed(
    "CERTIFICATE_WRONG",
    `the authority has forgotten the order for ${site}`,
    "Run this again: another one is made.",
  );
}

/** Looks until it is in another state than these, as often as the authority wants. */
async function settled<T extends Pick<AcmeOrder, "status" | "retryAfter">>(
  { clock, site }: Job,
  what: string,
  look: () => Promise<T>,
  passing: readonly T["status"][],
  first?: T,
): Promise<T> {
  const end = clock.now() + AUTHORITY_SECONDS * 1000;
  for (let state = first ?? (await look()); ; state = await look()) {
    if (!passing.includes(state.status)) return state;
    if (clock.now() >= end)
      throw worldFailed(
        "CERTIFICATE_AUTHORITY_SLOW",
        `the authority has not come to an end with the ${what} for ${site} in ${AUTHORITY_SECONDS} s`,
        "Run this again: it goes on with the same order.",
      );
    await pause(clock, Math.max(state.retryAfter ?? 0, LEAST_PAUSE_SECONDS) * 1000, NEVER);
  }
}

const NEVER = new AbortController().signal;

/** Takes the proofs away; those that are left somewhere stay written down. */
async function cleaned(job: Job, open: OpenOrder): Promise<OpenOrder> {
  if (open.proofs.length === 0) return open;
  const next = { ...open, proofs: await leftOf(job, open.proofs) };
  await job.store.write(next);
  return next;
}

/** The order is at its end: nothing is kept of it but what is left at name servers. */
async function forget(job: Leaving, open: OpenOrder): Promise<void> {
  const { names, key } = open;
  const proofs = await leftOf(job, open.proofs);
  await (proofs.length === 0 ? job.store.remove() : job.store.write({ names, key, proofs }));
}

async function leftOf(
  { servers, emit, clock }: Leaving,
  proofs: readonly Proof[],
): Promise<readonly Proof[]> {
  const untold = await removeProofs(servers, proofs, clock);
  for (const subject of untold)
    emit({ kind: "note", subject, what: "may still have TXT records of an order: they go at the next run" });
  return untold.length === 0 ? [] : proofs;
}

/** What is wrong with a certificate that came; undefined where it is the one that was ordered. */
function faultOf({ names, clock }: Job, key: string, certificate: string): string | undefined {
  try {
    if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)))
      return "it is for another key";
  } catch {
    return "what came is no certificate";
  }
  const { state } = standing(certificate, names, clock.wall());
  return state === "good" ? undefined : `it is not for ${names.join(", ")}, or not valid for long`;
}

function wrong({ site }: Job, why: string): Error {
  return worldFailed(
    "CERTIFICATE_WRONG",
    `no certificate for ${site} came of the order: ${why}`,
    "Run this again: another order is made.",
  );
}

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((name) => right.includes(name));
}

function isSame(left: Proof, right: Proof): boolean {
  return left.name === right.name && left.text === right.text;
}
