/** DeleteBrake: how much one sync may delete at a site, what it holds back, and the release. One per site, of its name. */
import type { KubeObject } from "#ports/kube.ts";
import { type Definition, definition } from "./definition.ts";
import { FEDERATION_GROUP } from "./names.ts";
import { count, list, object, type Schema, text, time } from "./schema.ts";

export interface DeleteBudget {
  /** Deletions that are always allowed in one sync, however few objects there are. */
  readonly count: number;
  /** And this share of the site's objects, 0 to 100; the larger of both is the budget. */
  readonly percent: number;
}

export interface DeleteBrake extends KubeObject {
  readonly spec: {
    readonly budget?: DeleteBudget;
    /** The token of exactly those deletions that somebody has looked at and lets go. */
    readonly release?: string;
  };
  readonly status?: {
    readonly held: number;
    /** Deletions that count with those held and were made before the budget was used up. */
    readonly made?: number;
    readonly total: number;
    readonly token?: string;
    /** The first few, for people. */
    readonly examples?: readonly string[];
    readonly since?: string;
  };
}

const percent: Schema = { type: "integer", minimum: 0, maximum: 100 };

export function deleteBrakeDefinition(): Definition {
  return definition({
    group: FEDERATION_GROUP,
    version: "v1",
    kind: "DeleteBrake",
    plural: "deletebrakes",
    scope: "Cluster",
    description:
      "Holds back deletions at a site that are more than one sync may make, until they are released.",
    columns: [
      { name: "held", type: "integer", jsonPath: ".status.held" },
      { name: "of", type: "integer", jsonPath: ".status.total" },
      { name: "token", type: "string", jsonPath: ".status.token" },
    ],
    spec: object({
      budget: object({ count, percent }, ["count", "percent"]),
      release: { type: "string", maxLength: 64 },
    }),
    status: object(
      { held: count, made: count, total: count, token: text, examples: list(text, 20), since: time },
      ["held", "total"],
    ),
  });
}
