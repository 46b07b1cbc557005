/** What simulated sites are made of. */
import type { ConflictSpec } from "../api/conflict.ts";
import type { CrownSpec, CrownStatus, Inheritance } from "../api/crown.ts";
import type { MirrorSpec, ObjectKey } from "../api/mirror.ts";

export const TYPE = "things";

export interface Stored {
  readonly write: string;
  readonly revision: number;
}

export interface SimulatedSite {
  readonly name: string;
  crown: CrownSpec;
  promised: CrownStatus["promised"];
  /** The epoch in which it is a hub, and what its API holds: the last write of each key, and when. */
  hub: { readonly epoch: number; readonly store: Map<string, Stored> } | undefined;
  revision: number;
  readonly mirrors: Map<string, MirrorSpec>;
  has: Inheritance;
  readonly conflicts: Map<string, ConflictSpec>;
  /** What is at work at the site, and the most that one sync took away. */
  readonly applied: Set<string>;
  alive: boolean;
}

export type Peer = Pick<SimulatedSite, "name" | "alive">;

export interface Accepted {
  readonly write: string;
  readonly key: string;
  readonly kind: "write" | "delete";
  /** The write that was there before. */
  readonly before: string | undefined;
}

export function objectKey(name: string): ObjectKey {
  return { group: "", version: "v1", kind: "Thing", plural: TYPE, namespace: "", name };
}

export function mirrorOf(key: string, { write, revision }: Stored, epoch: number): MirrorSpec {
  return {
    ...objectKey(key),
    uid: "",
    hash: write,
    body: {},
    epoch,
    resourceVersion: `${revision}`,
  };
}

export function versionOf(mirror: MirrorSpec | undefined) {
  return { epoch: mirror?.epoch ?? 0, resourceVersion: mirror?.resourceVersion ?? "0" };
}
