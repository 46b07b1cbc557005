/**
 * Mirror: what a site knows of one object of the hub. Cluster-scoped, because a
 * site that is not in a namespace's placement must not get that namespace.
 */
import type { KubeObject } from "#ports/kube.ts";
import { sha256 } from "#base/hash.ts";
import type { Version } from "../version.ts";
import { type Definition, definition } from "./definition.ts";
import { FEDERATION_GROUP } from "./names.ts";
import { count, flag, name, object, revision, ruled, type Schema, text, time, whole } from "./schema.ts";

/** Which object: a name that holds at every site, unlike a uid. */
export interface ObjectKey {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  readonly name: string;
}

/** A deletion that happened at the hub, until every site has made it too. */
export interface Tombstone {
  readonly deletedAt: string;
  /** Copies at the sites outlive it. */
  readonly orphan: boolean;
  /** DeleteOptions as JSON. */
  readonly deleteOptions?: string;
}

export interface MirrorSpec extends ObjectKey, Version {
  /** The hub's uid; another one means that it was deleted and made again. */
  readonly uid: string;
  /** Digest of the body; writes that change only a status leave it. */
  readonly hash: string;
  /** The object without status and what its API server adds; missing once it is deleted. */
  readonly body?: object;
  readonly tombstone?: Tombstone;
}

export interface Mirror extends KubeObject {
  readonly spec: MirrorSpec;
}

/** One text per object, whatever its API version: an object keeps its identity through an upgrade of its type. */
export function keyText(key: Pick<ObjectKey, "group" | "kind" | "namespace" | "name">): string {
  return `${key.group}/${key.kind}/${key.namespace}/${key.name}`;
}

/** The Mirror's name follows from the object's, so that writing it twice writes one. */
export function mirrorName(key: Pick<ObjectKey, "group" | "kind" | "namespace" | "name">): string {
  return `${key.kind.toLowerCase().slice(0, 63)}-${sha256(keyText(key)).slice(0, 40)}`;
}

const keyProperties: Readonly<Record<string, Schema>> = {
  group: { type: "string", maxLength: 253 },
  version: { type: "string", maxLength: 63 },
  kind: { type: "string", maxLength: 63 },
  plural: { type: "string", maxLength: 63 },
  namespace: { type: "string", maxLength: 63 },
  name,
};

const keyRequired = Object.keys(keyProperties);

/** The schema of an object's key beside other properties. */
export function keyedObject(
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[],
): Schema {
  return object({ ...keyProperties, ...properties }, [...keyRequired, ...required]);
}

export const sameKey = {
  rule: "self.group == oldSelf.group && self.kind == oldSelf.kind && self.__namespace__ == oldSelf.__namespace__ && self.name == oldSelf.name",
  message: "it can't become another object's",
};

const tombstone = object({ deletedAt: time, orphan: flag, deleteOptions: text }, ["deletedAt", "orphan"]);

/** The schema of what a site knows of an object of the hub (`MirrorSpec`), beside other properties. */
export function mirroredObject(more: Readonly<Record<string, Schema>> = {}): Schema {
  return keyedObject(
    {
      uid: { type: "string", maxLength: 64 },
      resourceVersion: revision,
      epoch: count,
      hash: { type: "string", maxLength: 64 },
      body: whole,
      tombstone,
      ...more,
    },
    ["uid", "resourceVersion", "epoch", "hash"],
  );
}

export function mirrorDefinition(): Definition {
  return definition({
    group: FEDERATION_GROUP,
    version: "v1",
    kind: "Mirror",
    plural: "mirrors",
    scope: "Cluster",
    description: "A copy of one object of the hub, from which the site's agent works when the hub is gone.",
    columns: [
      { name: "object", type: "string", jsonPath: ".spec.kind" },
      { name: "namespace", type: "string", jsonPath: ".spec.namespace" },
      { name: "of", type: "string", jsonPath: ".spec.name" },
      { name: "epoch", type: "integer", jsonPath: ".spec.epoch" },
      { name: "deleted", type: "date", jsonPath: ".spec.tombstone.deletedAt" },
    ],
    spec: ruled(
      mirroredObject(),
      { rule: "has(self.body) != has(self.tombstone)", message: "it holds a body or a tombstone" },
      sameKey,
      {
        rule: "self.epoch > oldSelf.epoch || (self.epoch == oldSelf.epoch && (size(self.resourceVersion) > size(oldSelf.resourceVersion) || (size(self.resourceVersion) == size(oldSelf.resourceVersion) && self.resourceVersion >= oldSelf.resourceVersion)))",
        message: "what is older than the mirror must not replace it",
      },
    ),
  });
}
