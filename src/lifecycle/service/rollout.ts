/**
 * Brings a version of a service to its sites, one after the other: the next
 * one only when the one before says that all of it is available. Can be killed
 * at any point and run again: what the hub has says how far it has come.
 */
import { PanopticonError } from "#base/errors.ts";
import type { Emit } from "#base/events.ts";
import { formatSeconds } from "#base/units.ts";
import type { FederatedResource } from "#control/federation/api/federated.ts";
import { type Clock, pause } from "#control/runtime/clock.ts";
import { type Applied, type Kube, KubeError } from "#ports/kube.ts";
import { judge, type Judgement } from "./judge.ts";
import type { Part } from "./part.ts";
import { finished, staged, type StageOptions } from "./stage.ts";

const LOOK_MS = 500;
/** So long what troubles a site may take to pass by itself. */
const TROUBLE_MS = 10_000;
/** Tries to write what somebody else writes at the same time. */
const TRIES = 8;
export const WRITER = { fieldManager: "panopticon-cli" };

export interface Rollout extends StageOptions {
  readonly hub: Kube;
  readonly service: string;
  readonly parts: readonly Part[];
  /** In this order. */
  readonly sites: readonly string[];
  readonly timeoutSeconds: number;
  readonly clock: Clock;
  readonly emit: Emit;
  /** What can be learned of a site that is unwell, where there is a way to it. */
  readonly explain: (site: string) => Promise<string | undefined>;
}

/** Every site in turn, then the templates. Throws SERVICE_UNWELL (exit 1) at the first site that does not get well. */
export async function roll(rollout: Rollout): Promise<void> {
  const { parts, sites, service, emit, clock } = rollout;
  for (const [index, site] of sites.entries()) {
    const began = clock.now();
    for (const part of parts)
      await write(rollout, part, (before) => staged(before, part.resource, site, rollout));
    const judgement = await settled(rollout, site);
    if (judgement.state !== "well") throw await stopped(rollout, site, judgement, sites.slice(index + 1));
    const { available } = judgement.replicas;
    const seconds = (clock.now() - began) / 1000;
    emit({ kind: "done", subject: site, what: `${service} is well, ${available} available`, seconds });
  }
  for (const part of parts) await write(rollout, part, (before) => finished(before, part.resource, rollout));
}

/** Puts there what a function makes of what is there, again where somebody else was quicker. */
async function write(
  { hub }: Rollout,
  { ref }: Part,
  make: (before: FederatedResource | undefined) => FederatedResource,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    const before = await hub.find(ref);
    const after = make(before);
    if (after === before) return;
    try {
      if (before) await hub.replace(ref, after, WRITER);
      else await hub.apply(ref, after as Applied<FederatedResource>, WRITER);
      return;
    } catch (error) {
      if (!(error instanceof KubeError) || error.code !== "KUBE_CONFLICT" || tries === TRIES) throw error;
    }
  }
}

/** Waits until the site is well, is given up by itself, or the time is over. */
async function settled(
  { hub, parts, timeoutSeconds, clock, emit }: Rollout,
  site: string,
): Promise<Judgement> {
  const began = clock.now();
  let troubledSince: number | undefined;
  let said = "";
  for (;;) {
    const judgement = judge(site, await present(hub, parts));
    if (judgement.state === "well" || judgement.state === "unwell") return judgement;
    troubledSince = judgement.state === "troubled" ? (troubledSince ?? clock.now()) : undefined;
    if (troubledSince !== undefined && clock.now() - troubledSince > TROUBLE_MS) return judgement;
    if (clock.now() - began > timeoutSeconds * 1000) return judgement;
    if (judgement.why !== said) emit({ kind: "progress", subject: site, what: judgement.why });
    said = judgement.why;
    await pause(clock, LOOK_MS, new AbortController().signal);
  }
}

/** The parts as the hub has them, with their status. One that is gone meanwhile has none. */
async function present(hub: Kube, parts: readonly Part[]): Promise<readonly Part[]> {
  return Promise.all(
    parts.map(async ({ ref, resource }) => ({ ref, resource: (await hub.find(ref)) ?? resource })),
  );
}

async function stopped(
  { service, explain, timeoutSeconds }: Rollout,
  site: string,
  { state, why }: Judgement,
  waiting: readonly string[],
): Promise<PanopticonError> {
  const more = await explain(site);
  const late = state === "waiting" ? ` after ${formatSeconds(timeoutSeconds)}` : "";
  const others =
    waiting.length > 0
      ? `${waiting.join(", ")} ${waiting.length === 1 ? "is" : "are"} as before`
      : "no other site waits";
  return new PanopticonError(
    [
      {
        code: "SERVICE_UNWELL",
        message: `${service} is not well at ${site}${late}: ${why}${more === undefined ? "" : ` (${more})`}`,
        hint: `The rollout has stopped; ${others}. Deploy a mended file, or the one before to go back; the same one again goes on waiting.`,
        subject: site,
      },
    ],
    1,
  );
}
