/** Crown: which site is the hub, since when, and how every site is reached. Each site holds a copy. */
import type { KubeObject } from "#ports/kube.ts";
import { type Definition, definition } from "./definition.ts";
import { CROWN_NAME, FEDERATION_GROUP } from "./names.ts";
import {
  count,
  flag,
  keyed,
  list,
  map,
  name,
  object,
  oneOf,
  revision,
  ruled,
  type Schema,
  text,
  time,
} from "./schema.ts";

/** Epochs count rounds in steps of this; what is left over is the seat of the site that took the crown. */
export const SEATS = 1000;

export interface CrownSite {
  readonly name: string;
  readonly kind: "on-prem" | "cloud";
  /** 1 to 999, given once and never again; 0 for a site that can't hold the crown. */
  readonly seat: number;
  /** URLs of its API server, tried in order. */
  readonly endpoints: readonly string[];
  /** PEM in base64. */
  readonly caBundle?: string;
  /** It is to leave for good, once its copies are deleted there or are nobody's any more. */
  readonly leaving?: Farewell;
}

/** What becomes of the copies at a site that leaves: they are deleted, or stay and are nobody's. */
export type Farewell = "drain" | "orphan";

export interface DepartedSite {
  readonly name: string;
  readonly farewell: Farewell;
  readonly at: string;
}

/** What a crowning started from: all that the epoch before wrote up to here, type by type. */
export interface Inheritance {
  readonly epoch: number;
  /** By `plural.group`; a type that is missing had nothing. */
  readonly resourceVersions: Readonly<Record<string, string>>;
}

export interface Crowning {
  readonly epoch: number;
  readonly holder: string;
  readonly at: string;
  readonly how: "founded" | "moved" | "taken" | "forced";
  readonly after?: Inheritance;
}

/** An outside witness: it mirrors nothing, and votes where the sites alone are even in number. */
export interface CrownWitness {
  readonly name: string;
  /** Such as `https://203.0.113.7:7443`. */
  readonly url: string;
  /** The very certificate that it answers with: PEM in base64. */
  readonly certificate: string;
  /** By which it knows this federation: what it has promised is remembered under it. */
  readonly federation: string;
}

export interface CrownSpec {
  readonly epoch: number;
  readonly holder: string;
  /**
   * Set while a planned move waits for the target to have everything: nobody
   * writes. Once `committed` the target may have been crowned, and there is no
   * way back but a new crowning.
   */
  readonly frozen?: { readonly to: string; readonly at: string; readonly committed?: boolean };
  readonly sites: readonly CrownSite[];
  readonly witness?: CrownWitness;
  /** Sites that were removed: they can't come back by themselves. */
  readonly departed?: readonly DepartedSite[];
  /** The highest seat of all that were removed: it is given to nobody again. */
  readonly lastSeat?: number;
  /** Oldest first; the last is the crowning in force. */
  readonly history: readonly Crowning[];
}

export interface CrownStatus {
  /** What the site has promised to whom asked for its vote; only its own agent writes it. */
  readonly promised?: { readonly epoch: number; readonly site: string };
  /** Whether a holder has unpacked what it inherited and takes writes. */
  readonly phase?: "Unpacking" | "Open" | "Member";
  /** The epoch that the phase is about; an open hub of an older epoch still has to be packed away. */
  readonly epoch?: number;
  /** Everything up to here is in the site's mirrors. */
  readonly has?: Inheritance;
  /** Whether the site's agent hears the holder, and since when that is so. */
  readonly holder?: { readonly heard: boolean; readonly since: string };
}

export interface Crown extends KubeObject {
  readonly spec: CrownSpec;
  readonly status?: CrownStatus;
}

const farewell = oneOf("drain", "orphan");

const site = object(
  {
    name,
    kind: oneOf("on-prem", "cloud"),
    seat: { type: "integer", minimum: 0, maximum: SEATS - 1 },
    endpoints: list(text, 16),
    caBundle: text,
    leaving: farewell,
  },
  ["name", "kind", "seat", "endpoints"],
);

const inheritance = object({ epoch: count, resourceVersions: map(revision, 1000) }, [
  "epoch",
  "resourceVersions",
]);

const crowning = object(
  {
    epoch: count,
    holder: name,
    at: time,
    how: oneOf("founded", "moved", "taken", "forced"),
    after: inheritance,
  },
  ["epoch", "holder", "at", "how"],
);

const witness = object(
  {
    name,
    url: { type: "string", pattern: "^https://\\S+$", maxLength: 2048 },
    certificate: text,
    federation: { type: "string", pattern: "^[0-9a-f]{16}$" },
  },
  ["name", "url", "certificate", "federation"],
);

const spec: Schema = ruled(
  object(
    {
      epoch: { ...count, minimum: 1 },
      holder: name,
      frozen: object({ to: name, at: time, committed: flag }, ["to", "at"]),
      sites: keyed("name", site, 500),
      witness,
      departed: keyed("name", object({ name, farewell, at: time }, ["name", "farewell", "at"]), 500),
      lastSeat: { type: "integer", minimum: 0, maximum: SEATS - 1 },
      history: list(crowning, 200),
    },
    ["epoch", "holder", "sites", "history"],
  ),
  {
    rule: `self.sites.exists(s, s.name == self.holder && s.kind == 'on-prem' && s.seat > 0 && s.seat == self.epoch % ${SEATS})`,
    message: "the holder must be an on-prem site whose seat is in the epoch",
  },
  {
    rule: "self.sites.all(s, s.seat == 0 || self.sites.exists_one(t, t.seat == s.seat))",
    message: "two sites can't have the same seat",
  },
  { rule: "self.sites.all(s, s.kind == 'on-prem' || s.seat == 0)", message: "a cloud site has no seat" },
  {
    rule: "self.epoch > oldSelf.epoch || (self.epoch == oldSelf.epoch && self.holder == oldSelf.holder)",
    message: "the higher epoch wins: an older crown must not replace a newer one",
  },
);

export function crownDefinition(): Definition {
  return definition({
    group: FEDERATION_GROUP,
    version: "v1",
    kind: "Crown",
    plural: "crowns",
    scope: "Cluster",
    description: "Which site is the hub, and how every site is reached.",
    columns: [
      { name: "holder", type: "string", jsonPath: ".spec.holder" },
      { name: "epoch", type: "integer", jsonPath: ".spec.epoch" },
      { name: "frozen for", type: "string", jsonPath: ".spec.frozen.to" },
    ],
    rules: [
      { rule: `self.metadata.name == '${CROWN_NAME}'`, message: `the only Crown is named ${CROWN_NAME}` },
    ],
    spec,
    status: object({
      promised: object({ epoch: count, site: name }, ["epoch", "site"]),
      phase: oneOf("Unpacking", "Open", "Member"),
      epoch: count,
      has: inheritance,
      holder: object({ heard: flag, since: time }, ["heard", "since"]),
    }),
  });
}
