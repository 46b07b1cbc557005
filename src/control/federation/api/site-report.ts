/**
 * SiteReport: what a site tells the hub of how federated resources fare there,
 * many in one write. The hub's agent carries it into their statuses, all sites'
 * words on one resource together. Named as the site whose it is, which alone
 * may write it; so an entry of a site has that site's credential behind it.
 */
import type { KubeObject } from "#ports/kube.ts";
import type { JsonObject } from "../json.ts";
import { type Definition, definition } from "./definition.ts";
import { FEDERATION_GROUP } from "./names.ts";
import { count, flag, list, name, object, type Schema, text, whole } from "./schema.ts";

/** How one resource fares, by a site that has seen this very generation of it. */
export interface Told {
  /** `plural.group` of the federated kind. */
  readonly type: string;
  /** Empty for cluster-scoped resources. */
  readonly namespace: string;
  readonly name: string;
  /** The resource's uid; one that was made anew has another. */
  readonly uid: string;
  /** The generation of the resource that this is about. */
  readonly observedGeneration: number;
  /** The site has nothing of it and shall have nothing: its entry goes. */
  readonly gone?: boolean;
  readonly status?: string;
  readonly message?: string;
  readonly remoteStatus?: JsonObject;
  readonly remoteGeneration?: number;
}

export interface SiteReportSpec {
  /** Of the crowning that it is told to; another hub takes no notice of it. */
  readonly epoch: number;
  /** What the site has not seen in the statuses yet, and perhaps some that it has. */
  readonly entries: readonly Told[];
}

export interface SiteReport extends KubeObject {
  readonly spec: SiteReportSpec;
}

/** Entries of one report at most; what is more waits until the hub has taken these. */
export const MOST_TOLD = 500;
/** Bytes of one report at most, as JSON: far from what an API takes at once. */
export const MOST_TOLD_BYTES = 256 * 1024;

export function siteReportDefinition(): Definition {
  const told: Schema = object(
    {
      type: { type: "string", maxLength: 317 },
      namespace: { type: "string", maxLength: 63 },
      name,
      uid: { type: "string", maxLength: 64 },
      observedGeneration: count,
      gone: flag,
      status: text,
      message: text,
      remoteStatus: whole,
      remoteGeneration: count,
    },
    ["type", "namespace", "name", "uid", "observedGeneration"],
  );
  return definition({
    group: FEDERATION_GROUP,
    version: "v1",
    kind: "SiteReport",
    plural: "sitereports",
    scope: "Cluster",
    description: "What a site tells the hub of how federated resources fare there.",
    columns: [{ name: "epoch", type: "integer", jsonPath: ".spec.epoch" }],
    // One owner: no need to keep account of each entry's.
    spec: object(
      { epoch: count, entries: { ...list(told, MOST_TOLD), "x-kubernetes-list-type": "atomic" } },
      ["epoch", "entries"],
    ),
  });
}
