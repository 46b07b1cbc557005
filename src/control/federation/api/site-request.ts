/** SiteRequest: an agent asks that its site may join. Made with a join token, decided by policy or by a person. */
import type { KubeObject } from "#ports/kube.ts";
import type { CrownSite } from "./crown.ts";
import { type Definition, definition } from "./definition.ts";
import { FEDERATION_GROUP } from "./names.ts";
import { list, object, oneOf, ruled, type Schema, text } from "./schema.ts";
import { publicKey, sealed } from "./site-access.ts";

export interface SiteRequestSpec {
  readonly site: string;
  /** Which join token asked. */
  readonly token: string;
  readonly kind: CrownSite["kind"];
  /** How others reach the site's API. */
  readonly endpoints: readonly string[];
  /** PEM in base64. */
  readonly caBundle?: string;
  /** Whatever is given to the site is sealed to this. */
  readonly publicKey: string;
  /** A person's word; policy decides where there is none. */
  readonly decision?: "Admit" | "Refuse";
}

export interface SiteRequestStatus {
  readonly phase: "Pending" | "Admitted" | "Refused";
  readonly message: string;
  /** The site's credential at this hub. */
  readonly sealed?: string;
}

/** Named so that nobody takes a name from somebody else by asking first (`requestName`). */
export interface SiteRequest extends KubeObject {
  readonly spec: SiteRequestSpec;
  readonly status?: SiteRequestStatus;
}

/** A site's name becomes part of other names. */
const siteName: Schema = { type: "string", pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", maxLength: 63 };

export function siteRequestDefinition(): Definition {
  return definition({
    group: FEDERATION_GROUP,
    version: "v1",
    kind: "SiteRequest",
    plural: "siterequests",
    scope: "Cluster",
    description: "A site that asks to join the federation.",
    columns: [
      { name: "site", type: "string", jsonPath: ".spec.site" },
      { name: "phase", type: "string", jsonPath: ".status.phase" },
      { name: "message", type: "string", jsonPath: ".status.message" },
    ],
    rules: [
      {
        rule: "self.metadata.name.startsWith(self.spec.site + '.')",
        message: "a request is named after its site",
      },
    ],
    spec: ruled(
      object(
        {
          site: siteName,
          token: { type: "string", maxLength: 63 },
          kind: oneOf("on-prem", "cloud"),
          endpoints: list({ type: "string", pattern: "^https://\\S+$", maxLength: 2048 }, 16),
          caBundle: { type: "string", maxLength: 65_536 },
          publicKey,
          decision: oneOf("Admit", "Refuse"),
        },
        ["site", "token", "kind", "endpoints", "publicKey"],
      ),
      {
        rule: "self.site == oldSelf.site && self.token == oldSelf.token && self.kind == oldSelf.kind && self.endpoints == oldSelf.endpoints && self.publicKey == oldSelf.publicKey && has(self.caBundle) == has(oldSelf.caBundle) && (!has(self.caBundle) || self.caBundle == oldSelf.caBundle)",
        message: "only the decision can be changed",
      },
    ),
    status: object({ phase: oneOf("Pending", "Admitted", "Refused"), message: text, sealed }, [
      "phase",
      "message",
    ]),
  });
}
