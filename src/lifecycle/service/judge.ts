/** Whether a service is well at a site, by what the site has told the hub. */
import type { ClusterStatus, FederatedResource } from "#control/federation/api/federated.ts";
import { at } from "#control/federation/json.ts";
import { isWorkload, type Part, partName, replicasAt } from "./part.ts";

export interface Judgement {
  /** `troubled` may pass by itself, `unwell` has been given up by the site. */
  readonly state: "well" | "waiting" | "troubled" | "unwell";
  /** What is not as it should be; empty where all is well. */
  readonly why: string;
  readonly replicas: ReplicaCount;
}

export interface ReplicaCount {
  readonly wanted: number;
  /** Of the version that is wanted. */
  readonly available: number;
}

const RANK = { well: 0, waiting: 1, troubled: 2, unwell: 3 } as const;

/** @param parts with the status that the hub has of each now */
export function judge(site: string, parts: readonly Pick<Part, "resource">[]): Judgement {
  const found = parts.map((part) => judgePart(site, part));
  const worst = found.toSorted((left, right) => RANK[right.state] - RANK[left.state])[0];
  const run = parts.find(isWorkload);
  const replicas = run ? countOf(site, run.resource) : { wanted: 0, available: 0 };
  return { state: worst?.state ?? "well", why: worst?.why ?? "", replicas };
}

type Finding = Pick<Judgement, "state" | "why">;

/** What an API says of a namespace that is on its way or goes, to come again. */
const PASSING = /not found|being terminated/;

const WELL: Finding = { state: "well", why: "" };

function judgePart(site: string, part: Pick<Part, "resource">): Finding {
  const { resource } = part;
  const entry = entryOf(site, resource);
  const name = partName(part);
  if (!entry) return { state: "waiting", why: `${name} is not there yet` };
  const { status = "", message = "", observedGeneration = 0 } = entry;
  if (observedGeneration < (resource.metadata?.generation ?? 0))
    return { state: "waiting", why: `the site has not taken up ${name} yet` };
  if (status !== "") {
    const state = PASSING.test(message) ? "waiting" : "troubled";
    return { state, why: `${name}: ${status}${message && `, ${message}`}` };
  }
  return isWorkload(part) ? judgeWorkload(site, name, resource, entry) : WELL;
}

function judgeWorkload(
  site: string,
  name: string,
  resource: FederatedResource,
  { remoteStatus, remoteGeneration }: ClusterStatus,
): Finding {
  const number = (field: string): number => numberAt(remoteStatus, field);
  if (remoteGeneration === undefined || number("observedGeneration") < remoteGeneration)
    return { state: "waiting", why: `nobody at the site has looked at ${name} yet` };
  const stuck = conditionOf(remoteStatus, "Progressing", "False");
  if (stuck) return { state: "unwell", why: `${name}: ${stuck}` };
  const failing = conditionOf(remoteStatus, "ReplicaFailure", "True");
  if (failing) return { state: "troubled", why: `${name}: ${failing}` };
  const wanted = replicasAt(resource, site);
  const [updated, available] = [number("updatedReplicas"), number("availableReplicas")];
  const old = number("replicas") - updated;
  if (updated < wanted || available < wanted)
    return {
      state: "waiting",
      why: `${Math.min(updated, available)} of ${wanted} replicas of ${name} are available`,
    };
  return old > 0
    ? { state: "waiting", why: `${old} of the replicas of ${name} are still of the version before` }
    : WELL;
}

function countOf(site: string, resource: FederatedResource): ReplicaCount {
  const { remoteStatus } = entryOf(site, resource) ?? {};
  const number = (field: string): number => numberAt(remoteStatus, field);
  const available = Math.min(number("updatedReplicas"), number("availableReplicas"));
  return { wanted: replicasAt(resource, site), available };
}

function entryOf(site: string, { status }: FederatedResource): ClusterStatus | undefined {
  return status?.clusters?.find(({ name }) => name === site);
}

function numberAt(status: unknown, field: string): number {
  const value = at(status, field);
  return typeof value === "number" ? value : 0;
}

/** What a condition says where it has this status; undefined where it has not. */
function conditionOf(status: unknown, type: string, wanted: string): string | undefined {
  const conditions = at(status, "conditions");
  const found = Array.isArray(conditions)
    ? conditions.find((one) => at(one, "type") === type && at(one, "status") === wanted)
    : undefined;
  return found === undefined
    ? undefined
    : `${at(found, "reason") as string}, ${at(found, "message") as string}`;
}
