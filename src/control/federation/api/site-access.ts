/**
 * SiteAccess: a site's public key, and the credentials that it gives to the
 * agents of the other sites, each sealed so that only that site can read it.
 * Mirrored everywhere, so whoever is crowned next can be reached by all.
 */
import type { KubeObject } from "#ports/kube.ts";
import { type Definition, definition } from "./definition.ts";
import { FEDERATION_GROUP } from "./names.ts";
import { keyed, name, object, type Schema, time } from "./schema.ts";

/** A credential for one site's agent at another site's API. */
export interface SealedAccess {
  /** For whom. */
  readonly site: string;
  /** Digest of the public key that it is sealed to. */
  readonly key: string;
  readonly sealed: string;
  readonly expiresAt: string;
  /** When the next one is given. */
  readonly renewAt: string;
}

/** Named as the site whose it is. */
export interface SiteAccess extends KubeObject {
  readonly spec: {
    /** X25519, raw, in base64url. */
    readonly publicKey: string;
    readonly access: readonly SealedAccess[];
  };
}

/** Of an X25519 public key: 32 octets in base64url (RFC 7748, RFC 4648). */
export const publicKey: Schema = { type: "string", pattern: "^[A-Za-z0-9_-]{43}$" };

/** A service account's token, sealed, is about 1.5 KB. */
export const sealed: Schema = { type: "string", maxLength: 8192 };

export function siteAccessDefinition(): Definition {
  const key: Schema = { type: "string", maxLength: 64 };
  const access = object({ site: name, key, sealed, expiresAt: time, renewAt: time }, [
    "site",
    "key",
    "sealed",
    "expiresAt",
    "renewAt",
  ]);
  return definition({
    group: FEDERATION_GROUP,
    version: "v1",
    kind: "SiteAccess",
    plural: "siteaccesses",
    scope: "Cluster",
    description: "A site's public key, and what it lets the agents of other sites in with.",
    spec: object({ publicKey, access: keyed("site", access, 500) }, ["publicKey", "access"]),
  });
}
