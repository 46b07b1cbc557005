/**
 * The fence: ValidatingAdmissionPolicies that hold where nobody watches. A
 * site's API reads its own Crown as their parameter, so a hub that has learnt
 * of a newer crowning refuses writes by itself, and one without a Crown too.
 */
import type { KubeObject } from "#ports/kube.ts";
import { CORE_GROUP, CROWN_NAME, FEDERATION_GROUP, SCHEDULING_GROUP, TYPES_GROUP } from "../api/names.ts";

export interface FenceInput {
  /** The site whose API this is. */
  readonly site: string;
  /** User name of the site's own agent, such as `system:serviceaccount:kube-federation-system:panopticon-agent`. */
  readonly agent: string;
  /** What user names of other sites' agents begin with; the site's name follows. They write their status at the hub. */
  readonly agentPrefix: string;
  /** Groups of federated types beside kubefed's own. */
  readonly federatedGroups?: readonly string[];
}

interface Validation {
  readonly expression: string;
  readonly message?: string;
  readonly messageExpression?: string;
}

interface Policy {
  readonly name: string;
  readonly groups: readonly string[];
  readonly resources: readonly string[];
  readonly operations: readonly string[];
  readonly validations: readonly Validation[];
  readonly byCrown: boolean;
}

/** Policies and bindings, to be applied at the site once the CRDs are there. */
export function fencePolicies(input: FenceInput): readonly KubeObject[] {
  const federated = [TYPES_GROUP, ...(input.federatedGroups ?? [])];
  const policies = [mirrorPolicy(input), hubPolicy(input, federated), statusPolicy(input, federated)];
  return policies.flatMap((policy) => [policyObject(policy), bindingObject(policy)]);
}

const WRITES: readonly string[] = ["CREATE", "UPDATE", "DELETE"];

/** Only the resolution of a conflict can be changed (its schema sees to that), and that is for people. */
const RESOLVES =
  "(request.resource.resource == 'conflicts' && request.operation == 'UPDATE' && !has(request.subResource) && has(object.spec.resolution))";

/** Who may move the crown holds the verb `crown` on crowns, and notes the promises of votes there; nobody deletes one so. */
const CROWNS = `(request.resource.resource == 'crowns' && request.operation != 'DELETE' && authorizer.group('${FEDERATION_GROUP}').resource('crowns').check('crown').allowed())`;

/** An agent of another site tells the hub of the writes that its own site took, and of no others. */
function tellsConflict(prefix: string): string {
  const user = "request.userInfo.username";
  return `(request.resource.resource == 'conflicts' && request.operation == 'CREATE' && ${user}.startsWith(${quoted(prefix)}) && object.spec.site == ${user}.substring(${prefix.length}))`;
}

/** What the agent copies into its site is read-only to all but itself. */
function mirrorPolicy({ agent, agentPrefix }: FenceInput): Policy {
  return {
    name: `mirror.${FEDERATION_GROUP}`,
    groups: [FEDERATION_GROUP],
    resources: ["mirrors", "mirrors/status", "crowns", "crowns/status", "conflicts", "conflicts/status"],
    operations: WRITES,
    byCrown: false,
    validations: [
      {
        expression: [by(agent), RESOLVES, CROWNS, tellsConflict(agentPrefix)].join(" || "),
        message: "this is kept by the site's agent and read-only to all others",
      },
    ],
  };
}

/** Only the crowned hub takes writes, and not while the crown is being moved. */
function hubPolicy({ site, agent }: FenceInput, groups: readonly string[]): Policy {
  return {
    name: `hub.${FEDERATION_GROUP}`,
    groups: [...groups, CORE_GROUP, SCHEDULING_GROUP],
    resources: ["*"],
    operations: WRITES,
    byCrown: true,
    validations: [
      {
        expression: `${by(agent)} || params.spec.holder == ${quoted(site)}`,
        messageExpression: `'the crown is at ' + params.spec.holder + ' (epoch ' + string(params.spec.epoch) + '): write there'`,
      },
      {
        expression: `${by(agent)} || !has(params.spec.frozen)`,
        messageExpression: `'the crown is being moved to ' + params.spec.frozen.to + ': try again in a moment'`,
      },
      {
        // What is written before everything inherited is there would be taken for a leftover, and removed.
        expression: `${by(agent)} || (has(params.status) && has(params.status.phase) && params.status.phase == 'Open' && has(params.status.epoch) && params.status.epoch == params.spec.epoch)`,
        message: "the crown has just come here and is not open yet: try again in a moment",
      },
    ],
  };
}

/** At the hub each site's agent writes the entry of its own cluster and leaves the others as they are. */
function statusPolicy({ agentPrefix, agent }: FenceInput, groups: readonly string[]): Policy {
  const site = `request.userInfo.username.substring(${agentPrefix.length})`;
  const foreign = (object: string) =>
    `(has(${object}.status) && has(${object}.status.clusters) ? ${object}.status.clusters.filter(c, c.name != ${site}) : [])`;
  const stranger = `!request.userInfo.username.startsWith(${quoted(agentPrefix)}) || ${by(agent)}`;
  return {
    name: `status.${FEDERATION_GROUP}`,
    groups,
    resources: ["*/status"],
    operations: ["UPDATE"],
    byCrown: false,
    validations: [
      {
        expression: `${stranger} || ${foreign("object")} == ${foreign("oldObject")}`,
        message: "an agent writes the status of its own site only",
      },
      {
        expression: `${stranger} || (has(object.status) && has(object.status.conditions) ? object.status.conditions : []) == (has(oldObject.status) && has(oldObject.status.conditions) ? oldObject.status.conditions : [])`,
        message: "conditions are the hub's",
      },
    ],
  };
}

function by(user: string): string {
  return `request.userInfo.username == ${quoted(user)}`;
}

/** A CEL string. */
function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

function policyObject({ name, groups, resources, operations, validations, byCrown }: Policy): KubeObject {
  const rule = { apiGroups: groups, apiVersions: ["*"], resources, operations };
  const spec = {
    failurePolicy: "Fail",
    ...(byCrown && { paramKind: { apiVersion: `${FEDERATION_GROUP}/v1`, kind: "Crown" } }),
    matchConstraints: { resourceRules: [rule] },
    validations: validations.map((one) => ({ ...one, reason: "Forbidden" })),
  };
  return { ...typed("ValidatingAdmissionPolicy", name), spec } as KubeObject;
}

function bindingObject({ name, byCrown }: Policy): KubeObject {
  const spec = {
    policyName: name,
    validationActions: ["Deny"],
    ...(byCrown && { paramRef: { name: CROWN_NAME, parameterNotFoundAction: "Deny" } }),
  };
  return { ...typed("ValidatingAdmissionPolicyBinding", name), spec } as KubeObject;
}

function typed(kind: string, name: string): KubeObject {
  return { apiVersion: "admissionregistration.k8s.io/v1", kind, metadata: { name } };
}
