/**
 * The fence: ValidatingAdmissionPolicies that hold where nobody watches. A
 * site's API reads its own Crown as their parameter, so a hub that has learnt
 * of a newer crowning refuses writes by itself, and one without a Crown too.
 */
import type { KubeObject } from "#ports/kube.ts";
import { CORE_GROUP, FEDERATION_GROUP, SCHEDULING_GROUP, TYPES_GROUP } from "../api/names.ts";
import { agentPolicy, joinPolicy } from "../join/fence.ts";
import { byOwnAgent, CALLING_SITE, quoted } from "../join/identity.ts";
import { type Policy, policyObjects, WRITES } from "./policy.ts";

export interface FenceInput {
  /** The site whose API this is. */
  readonly site: string;
  /** User name that the site's own agent goes by there, where it is not one of the usual (`ownAgents`). */
  readonly agent: string;
  /** Groups of federated types beside kubefed's own. */
  readonly federatedGroups?: readonly string[];
}

/** Policies and bindings, to be applied at the site once the CRDs are there. */
export function fencePolicies(input: FenceInput): readonly KubeObject[] {
  const federated = [TYPES_GROUP, ...(input.federatedGroups ?? [])];
  return [
    mirrorPolicy(input),
    hubPolicy(input, federated),
    statusPolicy(input, federated),
    agentPolicy(input.site, input.agent, federated),
    joinPolicy(federated),
  ].flatMap(policyObjects);
}

/** Only the resolution of a conflict can be changed (its schema sees to that), and that is for people. */
const RESOLVES =
  "(request.resource.resource == 'conflicts' && request.operation == 'UPDATE' && !has(request.subResource) && has(object.spec.resolution))";

/** Who may move the crown holds the verb `crown` on crowns, and notes the promises of votes there; nobody deletes one so. */
const CROWNS = `(request.resource.resource == 'crowns' && request.operation != 'DELETE' && authorizer.group('${FEDERATION_GROUP}').resource('crowns').check('crown').allowed())`;

/** Which of its own an agent of another site may write, another policy says (`agentPolicy`). */
const OTHERS = `(${CALLING_SITE} != '' && request.resource.resource in ['crowns', 'conflicts', 'siteaccesses', 'sitereports'] && !has(request.subResource) && request.operation != 'DELETE')`;

/** Likewise of views; they go with their namespace too, which RBAC leaves to administrators. */
const VIEWS = `(request.resource.resource == 'views' && (${CALLING_SITE} != '' || request.operation == 'DELETE'))`;

/** What the agent copies into its site is read-only to all but itself. */
function mirrorPolicy({ site, agent }: FenceInput): Policy {
  const kept = ["mirrors", "crowns", "conflicts", "siteaccesses", "sitereports", "views"].flatMap((one) => [
    one,
    `${one}/status`,
  ]);
  return {
    name: "mirror",
    rules: [{ groups: [FEDERATION_GROUP], resources: [...kept, "siterequests/status"] }],
    operations: WRITES,
    byCrown: false,
    validations: [
      {
        expression: [byOwnAgent(site, agent), RESOLVES, CROWNS, OTHERS, VIEWS].join(" || "),
        message: "this is kept by the site's agent and read-only to all others",
      },
    ],
  };
}

/** Only the crowned hub takes writes, and not while the crown is being moved. */
function hubPolicy({ site, agent }: FenceInput, groups: readonly string[]): Policy {
  const own = byOwnAgent(site, agent);
  return {
    name: "hub",
    rules: [
      { groups: [...groups, CORE_GROUP, SCHEDULING_GROUP], resources: ["*"] },
      { groups: [FEDERATION_GROUP], resources: ["siterequests", "siteaccesses", "sitereports"] },
    ],
    operations: WRITES,
    byCrown: true,
    validations: [
      {
        expression: `${own} || params.spec.holder == ${quoted(site)}`,
        messageExpression: `'the crown is at ' + params.spec.holder + ' (epoch ' + string(params.spec.epoch) + '): write there'`,
      },
      {
        expression: `${own} || !has(params.spec.frozen)`,
        messageExpression: `'the crown is being moved to ' + params.spec.frozen.to + ': try again in a moment'`,
      },
      {
        // What is written before everything inherited is there would be taken for a leftover, and removed.
        expression: `${own} || (has(params.status) && has(params.status.phase) && params.status.phase == 'Open' && has(params.status.epoch) && params.status.epoch == params.spec.epoch)`,
        message: "the crown has just come here and is not open yet: try again in a moment",
      },
    ],
  };
}

/** At the hub each site's agent writes the entry of its own cluster and leaves the others as they are. */
function statusPolicy({ site, agent }: FenceInput, groups: readonly string[]): Policy {
  const foreign = (object: string) =>
    `(has(${object}.status) && has(${object}.status.clusters) ? ${object}.status.clusters.filter(c, c.name != variables.site) : [])`;
  return {
    name: "status",
    about: `${CALLING_SITE} != '' && !${byOwnAgent(site, agent)}`,
    rules: [{ groups, resources: ["*/status"] }],
    operations: ["UPDATE"],
    byCrown: false,
    variables: { site: CALLING_SITE },
    validations: [
      {
        expression: `${foreign("object")} == ${foreign("oldObject")}`,
        message: "an agent writes the status of its own site only",
      },
      {
        expression: `(has(object.status) && has(object.status.conditions) ? object.status.conditions : []) == (has(oldObject.status) && has(oldObject.status.conditions) ? oldObject.status.conditions : [])`,
        message: "conditions are the hub's",
      },
    ],
  };
}
