/** A site's crown as the operator reaches it: read, and written against nothing but what was read. */
import { setTimeout as sleep } from "node:timers/promises";
import { PanopticonError } from "#base/errors.ts";
import type { Emit } from "#base/events.ts";
import { CROWNS } from "#control/federation/agent/resources.ts";
import type { Crown, CrownSpec, Inheritance } from "#control/federation/api/crown.ts";
import { CROWN_NAME } from "#control/federation/api/names.ts";
import { type Kube, KubeError } from "#ports/kube.ts";

/** A site's API as the operator reaches it; undefined where the kubeconfig has no context of its name. */
export type OpenSite = (name: string) => Kube | undefined;

export const REF = { resource: CROWNS, name: CROWN_NAME };
export const ANSWER = { timeoutSeconds: 3 };
export const STEP_MS = 200;
/** Of a write that is refused because somebody else wrote first, and of rounds of a vote. */
export const TRIES = 12;
const PATIENT_LOOKS = 25;

/** Stands against the agent's own notes in the status, and not against another word on the crown than the one seen. */
export async function writeCrown(kube: Kube, seen: Crown, spec: CrownSpec): Promise<void> {
  const same = { op: "test", path: "/spec", value: seen.spec } as const;
  await kube.patch(REF, [same, { op: "replace", path: "/spec", value: spec }], ANSWER);
}

export function mayPass(error: unknown): boolean {
  if (!(error instanceof KubeError)) return false;
  return error.status === 0 || error.status === 409 || error.status === 422 || error.status >= 500;
}

/** When the new hub was seen to take writes, or to be the hub no more. */
export async function openedAt(target: Kube | undefined, epoch: number, emit: Emit): Promise<number> {
  for (let looks = 0; ; looks += 1) {
    const crown = await reach(target);
    const open = crown?.status?.phase === "Open" && crown.status.epoch === epoch;
    if (!crown || open || crown.spec.epoch > epoch) return performance.now();
    if (looks === PATIENT_LOOKS)
      emit({
        kind: "note",
        subject: "crown",
        what: `waiting for the agent of ${crown.spec.holder} to open it`,
      });
    await sleep(STEP_MS);
  }
}

/** Undefined where it does not answer or is no site. */
export async function reach(kube: Kube | undefined): Promise<Crown | undefined> {
  try {
    return await kube?.find(REF, ANSWER);
  } catch {
    return undefined;
  }
}

export function hasOf({ spec, status }: Crown): Inheritance {
  return status?.has ?? { epoch: spec.epoch, resourceVersions: {} };
}

export function targetLost(to: string): PanopticonError {
  return new PanopticonError(
    [
      {
        code: "FEDERATION_CROWN_TARGET_LOST",
        message: `site ${to} can't be reached`,
        hint: "Name a site whose context is in the kubeconfig and whose API answers.",
      },
    ],
    3,
  );
}
