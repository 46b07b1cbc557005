/** Whether a site's object has to be applied again. */
import type { KubeObject } from "#ports/kube.ts";
import { at, isObject } from "../json.ts";
import { covers } from "./covers.ts";
import type { Present } from "./desired.ts";

/** What is known of the last apply: enough to leave an untouched object alone without comparing it. */
export interface Applied {
  /** `Present.hash` of what was applied. */
  readonly hash: string;
  readonly uid: string;
  /** The object's after it. */
  readonly resourceVersion: string;
}

export type Drift = "none" | "missing" | "changed";

/**
 * Compares only what we own; the digest in the object's annotations tells what
 * it was last applied from, so a field that went from the template is noticed.
 * An object that is as our last apply left it has not drifted, even where the
 * API spells a value otherwise than we do.
 */
export function drift(desired: Present, observed: KubeObject | undefined, last?: Applied): Drift {
  if (!observed) return "missing";
  const { uid, resourceVersion } = observed.metadata ?? {};
  const untouched =
    last?.hash === desired.hash && last.uid === uid && last.resourceVersion === resourceVersion;
  if (untouched) return "none";
  const kept = desired.removals.every((pointer) => !hasRemoved(observed, pointer));
  return kept && covers(comparable(observed), comparable(desired.object)) ? "none" : "changed";
}

/** What `drift` needs next time, from what the API answered to the apply. */
export function appliedOf(desired: Present, answer: KubeObject): Applied {
  const { uid = "", resourceVersion = "" } = answer.metadata ?? {};
  return { hash: desired.hash, uid, resourceVersion };
}

/** Without what the API leaves out in lists, and with the metadata that can be ours. */
function comparable(object: KubeObject): object {
  const { apiVersion: _version, kind: _kind, metadata, ...rest } = object;
  const { labels, annotations, finalizers } = metadata ?? {};
  return { ...rest, metadata: { labels, annotations, finalizers } };
}

function hasRemoved(observed: KubeObject, pointer: string): boolean {
  const [, , field = "", key = ""] = pointer.split("/");
  const name = key.replaceAll("~1", "/").replaceAll("~0", "~");
  const held = at(observed, "metadata", field);
  return Array.isArray(held) ? held.includes(name) : isObject(held) && Object.hasOwn(held, name);
}
