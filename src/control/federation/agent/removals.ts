/** Deletions at the site, gathered so that the brake sees how many there are before the first is made. */
import type { Context } from "#control/runtime/controller.ts";
import type { Work } from "#control/runtime/queue.ts";
import { KubeError, type ObjectRef } from "#ports/kube.ts";
import type { DeleteBrake } from "../api/delete-brake.ts";
import { FEDERATION_GROUP } from "../api/names.ts";
import { brake, type Braked, type PendingDeletion } from "../deletion/brake.ts";
import type { DeleteOptions } from "../deletion/removal.ts";
import { failureOf } from "../status/words.ts";
import type { Version } from "../version.ts";
import { BRAKES } from "./resources.ts";
import type { Term } from "./term.ts";

export interface Removal extends Version, Named {
  readonly ref: ObjectRef;
  readonly uid: string;
  readonly options: DeleteOptions;
  /** Of the mirror. */
  readonly hash: string;
}

interface Named {
  /** `plural.group` of the federated kind. */
  readonly type: string;
  /** Of the federated resource. */
  readonly key: string;
}

export interface Removals {
  add(removal: Removal): void;
  cancel(type: string, key: string): void;
  /**
   * Makes what the brake lets through, and tells what it holds back; gives what
   * has to be looked at again. @param total objects that the federation keeps here
   */
  sweep(
    context: Context,
    brakeObject: DeleteBrake | undefined,
    total: number,
    signal: AbortSignal,
  ): Promise<readonly Work[]>;
}

/** Deletions that come one by one are one mass deletion if they come within so long. */
const WINDOW_MS = 30_000;
const AT_ONCE = 16;
const EXAMPLES = 10;

export function openRemovals({ site, reports, clock }: Term): Removals {
  const pending = new Map<string, Removal>();
  let made: readonly (PendingDeletion & { readonly at: number })[] = [];
  let told = "";

  const removeOne = async (
    context: Context,
    one: Removal,
    signal: AbortSignal,
  ): Promise<Work | undefined> => {
    const { propagationPolicy } = one.options;
    try {
      await context.kube("site").delete(one.ref, {
        signal,
        preconditions: { uid: one.uid },
        ...(propagationPolicy && { propagation: propagationPolicy }),
      });
      made = [...made, { ...pendingOf(one), at: clock.now() }];
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      const message = error.problems[0]?.message ?? error.message;
      const { type, key, hash } = one;
      reports.put(type, key, { hash, status: failureOf("delete"), message });
    }
    pending.delete(idOf(one));
    return { group: one.type, key: one.key };
  };
  const tellBrake = async (context: Context, braked: Braked, total: number, signal: AbortSignal) => {
    const { held, token, finding } = braked;
    const text = `${held.length} ${token ?? ""}`;
    if (text === told || (held.length === 0 && told === "")) return;
    const ref = { resource: BRAKES, name: site };
    const head = { apiVersion: `${FEDERATION_GROUP}/v1`, kind: "DeleteBrake", metadata: { name: site } };
    const kube = context.kube("site");
    if (!(await kube.find(ref, { signal })))
      await kube.create({ resource: BRAKES }, { ...head, spec: {} }, { signal });
    const examples = held.slice(0, EXAMPLES).map(({ key }) => key);
    const since = clock.wall().toISOString();
    const status = { held: held.length, total, token: token ?? null, examples, since };
    await kube.patch({ ...ref, subresource: "status" }, { status }, { signal });
    if (finding) context.note(site, `${finding.message}. ${finding.hint ?? ""}`);
    told = held.length === 0 ? "" : text;
  };
  return {
    add: (removal) => void pending.set(idOf(removal), removal),
    cancel: (type, key) => void pending.delete(idOf({ type, key })),
    async sweep(context, brakeObject, total, signal) {
      made = made.filter(({ at }) => clock.now() - at < WINDOW_MS);
      const { budget, release } = brakeObject?.spec ?? {};
      const all = [...[...pending.values()].map(pendingOf), ...made];
      const braked = brake(site, all, total + made.length, budget, release);
      const allowed = braked.allowed.flatMap(({ key }) => pending.get(key) ?? []);
      const again: Work[] = [];
      for (let index = 0; index < allowed.length; index += AT_ONCE) {
        const some = allowed.slice(index, index + AT_ONCE);
        const done = await Promise.all(some.map((one) => removeOne(context, one, signal)));
        again.push(...done.filter((one) => one !== undefined));
      }
      const held = braked.held.filter(({ key }) => pending.has(key));
      for (const one of held.flatMap(({ key }) => pending.get(key) ?? []))
        reports.put(one.type, one.key, {
          hash: one.hash,
          status: "WaitingForRemoval",
          message: braked.finding?.message ?? "",
        });
      await tellBrake(context, { ...braked, held }, total, signal);
      return again;
    },
  };
}

function idOf({ type, key }: Named): string {
  return `${type} ${key}`;
}

function pendingOf(one: Removal): PendingDeletion {
  return { key: idOf(one), epoch: one.epoch, resourceVersion: one.resourceVersion };
}
