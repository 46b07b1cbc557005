/** Conflict: a write that a hub took after another had been crowned. It is kept until somebody decides. */
import { sha256 } from "#base/hash.ts";
import type { KubeObject } from "#ports/kube.ts";
import type { Version } from "../version.ts";
import { type Definition, definition } from "./definition.ts";
import { keyedObject, keyText, type ObjectKey, sameKey } from "./mirror.ts";
import { FEDERATION_GROUP } from "./names.ts";
import { anything, count, name, object, oneOf, revision, ruled, text, time } from "./schema.ts";

export interface ConflictSpec extends ObjectKey, Version {
  readonly operation: "Write" | "Delete";
  /** The site that took the write. */
  readonly site: string;
  /** What was written; missing for a deletion. */
  readonly body?: object;
  readonly hash: string;
  readonly foundAt: string;
  /** Set by whoever decides; until then the crowned hub's state stands. */
  readonly resolution?: "Apply" | "Discard";
}

export interface Conflict extends KubeObject {
  readonly spec: ConflictSpec;
  readonly status?: { readonly state: "Applied" | "Discarded" | "Failed"; readonly message?: string };
}

/** The same write gives the same name wherever and however often it is found. */
export function conflictName(write: ObjectKey & Version & Pick<ConflictSpec, "hash">): string {
  return `${write.kind.toLowerCase().slice(0, 63)}-${sha256(`${keyText(write)} ${write.epoch} ${write.hash}`).slice(0, 40)}`;
}

export function conflictDefinition(): Definition {
  return definition({
    group: FEDERATION_GROUP,
    version: "v1",
    kind: "Conflict",
    plural: "conflicts",
    scope: "Cluster",
    description: "A write taken by a hub that was no longer crowned, to be applied or discarded.",
    columns: [
      { name: "operation", type: "string", jsonPath: ".spec.operation" },
      { name: "object", type: "string", jsonPath: ".spec.kind" },
      { name: "namespace", type: "string", jsonPath: ".spec.namespace" },
      { name: "of", type: "string", jsonPath: ".spec.name" },
      { name: "site", type: "string", jsonPath: ".spec.site" },
      { name: "resolution", type: "string", jsonPath: ".spec.resolution" },
      { name: "state", type: "string", jsonPath: ".status.state" },
    ],
    spec: ruled(
      keyedObject(
        {
          operation: oneOf("Write", "Delete"),
          site: name,
          epoch: count,
          resourceVersion: revision,
          body: anything,
          hash: { type: "string", maxLength: 64 },
          foundAt: time,
          resolution: oneOf("Apply", "Discard"),
        },
        ["operation", "site", "epoch", "resourceVersion", "hash", "foundAt"],
      ),
      {
        rule: "has(self.body) == (self.operation == 'Write')",
        message: "a write has a body, a deletion has none",
      },
      sameKey,
      {
        rule: "self.operation == oldSelf.operation && self.hash == oldSelf.hash && self.epoch == oldSelf.epoch && self.site == oldSelf.site",
        message: "only the resolution can be changed",
      },
      {
        rule: "!has(oldSelf.resolution) || (has(self.resolution) && self.resolution == oldSelf.resolution)",
        message: "a conflict is decided once",
      },
    ),
    status: object({ state: oneOf("Applied", "Discarded", "Failed"), message: text }, ["state"]),
  });
}
