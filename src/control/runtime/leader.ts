/** Takes part in an election for as long as it is let, and does a leader's work while it is one. */
import { type Kube, KubeError, type KubeObject, type ObjectRef, type Resource } from "#ports/kube.ts";
import { type Clock, pause } from "./clock.ts";
import { type ElectionTimes, look, mayLead, nextStep, type SeenLease } from "./election.ts";

export interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

const LEASES: Resource<Lease> = { group: "coordination.k8s.io", version: "v1", plural: "leases" };

export interface ElectionSettings {
  readonly kube: Pick<Kube, "find" | "create" | "replace" | "listAndWatch">;
  readonly namespace: string;
  readonly name: string;
  /** Unique among the candidates, over restarts too. */
  readonly identity: string;
  readonly times: ElectionTimes;
  readonly clock: Clock;
  readonly random: () => number;
  /** Ends the candidacy; a lease that is held is given back once the leader's work has ended. */
  readonly signal: AbortSignal;
}

/**
 * @param lead does the leader's work until its signal is aborted, and must have
 * ended soon after that: between the deadline and the lease's end.
 */
export async function elect(
  settings: ElectionSettings,
  lead: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { kube, namespace, name, identity, times, clock, random, signal } = settings;
  const ref = { resource: LEASES, namespace, name };
  let seen: SeenLease | undefined;
  let news = Promise.withResolvers<void>();
  const see = (lease: Lease | undefined): void => {
    seen = lease && look(seen, viewOf(lease), clock.now());
    news.resolve();
    news = Promise.withResolvers<void>();
  };
  // A lease that is given back is seen at once; that it was not renewed is seen by what does not come.
  const following = kube.listAndWatch(
    { resource: LEASES, namespace },
    {
      replace: (items) => see(items.find(({ metadata }) => metadata?.name === name)),
      change: (type, lease) => see(type === "deleted" ? undefined : lease),
    },
    { signal, fieldSelector: `metadata.name=${name}` },
  );
  while (!signal.aborted) {
    const step = nextStep(seen, identity, clock.now());
    if (step.do === "wait") {
      await Promise.race([news.promise, pause(clock, step.milliseconds, signal)]);
      continue;
    }
    const present = await orFailed(kube.find(ref, { signal, timeoutSeconds: times.renewSeconds }));
    if (present !== "failed") {
      see(present);
      if (nextStep(seen, identity, clock.now()).do === "wait") continue;
      const began = moment(clock);
      const held = await orFailed(write(settings, ref, present, identity));
      if (held !== "failed") {
        await serve(settings, ref, held, began, lead);
        continue;
      }
    }
    await pause(clock, times.renewSeconds * 1000 * (0.5 + random() / 2), signal);
  }
  await following;
}

/** From the moment the lease is ours until it no longer is, or is given back. */
async function serve(
  settings: ElectionSettings,
  ref: ObjectRef<Lease>,
  taken: Lease,
  began: Moment,
  lead: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { times, clock, signal } = settings;
  const term = new AbortController();
  const lose = (): void => term.abort(new Error("the lease could not be renewed in time"));
  const ends = AbortSignal.any([signal, term.signal]);
  const work = lead(ends).finally(() => term.abort());
  work.catch(() => undefined); // thrown below, once the lease is done with
  let lease = taken;
  let renewedAt = began;
  let cancelDeadline = (): void => undefined;
  const setDeadline = (): void => {
    cancelDeadline();
    const left = renewedAt.now + times.deadlineSeconds * 1000 - clock.now();
    cancelDeadline = clock.after(left, lose);
  };
  for (setDeadline(); !ends.aborted; ) {
    await pause(clock, times.renewSeconds * 1000, ends);
    if (ends.aborted) break;
    if (!mayLead(renewedAt, moment(clock), times)) lose();
    const starts = moment(clock);
    const renewed = await orFailed(renew(settings, ref, lease, ends));
    if (renewed === "failed") continue;
    if (renewed === undefined) lose();
    else {
      lease = renewed;
      renewedAt = starts;
      setDeadline();
    }
  }
  cancelDeadline();
  await work;
  if (mayLead(renewedAt, moment(clock), times)) await giveBack(settings, ref, lease);
}

/** Undefined where it belongs to somebody else by now. */
async function renew(
  settings: ElectionSettings,
  ref: ObjectRef<Lease>,
  lease: Lease,
  signal: AbortSignal,
): Promise<Lease | undefined> {
  const { kube, identity, times } = settings;
  const limited = { ...settings, signal };
  try {
    return await write(limited, ref, lease, identity);
  } catch (error) {
    if (!(error instanceof KubeError) || error.code !== "KUBE_CONFLICT") throw error;
  }
  // Ours was written although its answer did not arrive, or somebody has taken the lease.
  const present = await kube.find(ref, { signal, timeoutSeconds: times.renewSeconds });
  if (present?.spec?.holderIdentity !== identity) return undefined;
  return write(limited, ref, present, identity);
}

async function giveBack(settings: ElectionSettings, ref: ObjectRef<Lease>, lease: Lease): Promise<void> {
  // The candidacy may be over, and this must still be said.
  const limited = { ...settings, signal: AbortSignal.timeout(settings.times.renewSeconds * 1000) };
  await orFailed(write(limited, ref, lease, ""));
}

/** The lease as `present` with its holder; fails where it is not `present` any more. */
function write(
  { kube, times, clock, signal }: ElectionSettings,
  ref: ObjectRef<Lease>,
  present: Lease | undefined,
  holder: string,
): Promise<Lease> {
  const now = clock.wall().toISOString().replace("Z", "000Z");
  const before = present?.spec;
  const same = before?.holderIdentity === holder;
  const spec = {
    holderIdentity: holder,
    leaseDurationSeconds: Math.ceil(times.leaseSeconds),
    acquireTime: (same && before.acquireTime) || now,
    renewTime: now,
    leaseTransitions: (before?.leaseTransitions ?? 0) + (same || holder === "" ? 0 : 1),
  };
  const options = { signal, timeoutSeconds: times.renewSeconds };
  if (present) return kube.replace(ref, { ...present, spec }, options);
  const place = ref.namespace === undefined ? {} : { namespace: ref.namespace };
  const lease = {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name: ref.name, ...place },
    spec,
  };
  return kube.create({ resource: LEASES, ...place }, lease, options);
}

function viewOf({ spec, metadata }: Lease): Omit<SeenLease, "seenAt"> {
  return {
    holder: spec?.holderIdentity ?? "",
    leaseSeconds: spec?.leaseDurationSeconds ?? 0,
    resourceVersion: metadata?.resourceVersion ?? "",
  };
}

interface Moment {
  readonly now: number;
  readonly wall: number;
}

function moment(clock: Clock): Moment {
  return { now: clock.now(), wall: clock.wall().getTime() };
}

/** A refusal, silence or our own end: all of them only mean "not now". */
async function orFailed<T>(work: Promise<T>): Promise<T | "failed"> {
  try {
    return await work;
  } catch {
    return "failed";
  }
}
