/**
 * View: what an external cloud site is shown of one object of the hub. It reads
 * its own namespace of these and nothing else that is federated, and says there
 * how the object fares; the hub's agent carries that on.
 */
import type { KubeObject } from "#ports/kube.ts";
import type { JsonObject } from "../json.ts";
import { type Definition, definition } from "./definition.ts";
import { mirroredObject, type MirrorSpec, sameKey } from "./mirror.ts";
import { FEDERATION_GROUP } from "./names.ts";
import { anything, count, flag, object, ruled, text } from "./schema.ts";

export interface ViewSpec extends MirrorSpec {
  /** The site has such an object and was shown none: is it to be deleted? Made by the site, with neither body nor tombstone. */
  readonly asked?: boolean;
}

export interface ViewStatus {
  /** Digest of the body, or of the last one, that this is about. */
  readonly hash: string;
  /** The site has nothing of it any more. */
  readonly gone?: boolean;
  /** As in a cluster's entry of a federated resource's status. */
  readonly status?: string;
  readonly message?: string;
  readonly remoteStatus?: JsonObject;
  readonly remoteGeneration?: number;
}

export interface View extends KubeObject {
  readonly spec: ViewSpec;
  readonly status?: ViewStatus;
}

/** The namespace of a cloud site's views at the hub. */
export function viewNamespace(site: string): string {
  return `${VIEW_NAMESPACE_PREFIX}${site}`;
}

/** The site's name follows, so it can have 47 letters at most. */
export const VIEW_NAMESPACE_PREFIX = "panopticon-site-";

export function viewDefinition(): Definition {
  return definition({
    group: FEDERATION_GROUP,
    version: "v1",
    kind: "View",
    plural: "views",
    scope: "Namespaced",
    description: "What an external cloud site is shown of one object of the hub.",
    columns: [
      { name: "object", type: "string", jsonPath: ".spec.kind" },
      { name: "in", type: "string", jsonPath: ".spec.namespace" },
      { name: "of", type: "string", jsonPath: ".spec.name" },
      { name: "status", type: "string", jsonPath: ".status.status" },
      { name: "deleted", type: "date", jsonPath: ".spec.tombstone.deletedAt" },
    ],
    spec: ruled(
      mirroredObject({ asked: flag }),
      {
        rule: "(has(self.body) ? 1 : 0) + (has(self.tombstone) ? 1 : 0) + (has(self.asked) ? 1 : 0) == 1",
        message: "it holds a body, a tombstone or a question",
      },
      sameKey,
    ),
    status: object(
      {
        hash: text,
        gone: flag,
        status: text,
        message: text,
        remoteStatus: anything,
        remoteGeneration: count,
      },
      ["hash"],
    ),
  });
}
