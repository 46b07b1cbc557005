/** ValidatingAdmissionPolicies as objects: the policy, and the binding that puts it in force. */
import type { KubeObject } from "#ports/kube.ts";
import { CROWN_NAME, FEDERATION_GROUP } from "../api/names.ts";

export interface Validation {
  readonly expression: string;
  readonly message?: string;
  readonly messageExpression?: string;
}

export interface Rule {
  readonly groups: readonly string[];
  readonly resources: readonly string[];
}

export interface Policy {
  /** Before the group's name. */
  readonly name: string;
  readonly rules: readonly Rule[];
  readonly operations: readonly string[];
  /** CEL: whom it is about; everybody where it is missing. */
  readonly about?: string;
  /** CEL by name, for the validations as `variables.NAME`. */
  readonly variables?: Readonly<Record<string, string>>;
  readonly validations: readonly Validation[];
  /** Whether the site's Crown is its parameter; without a Crown it then refuses. */
  readonly byCrown: boolean;
}

export const WRITES: readonly string[] = ["CREATE", "UPDATE", "DELETE"];

/** The policy and its binding. */
export function policyObjects(policy: Policy): readonly KubeObject[] {
  return [policyObject(policy), bindingObject(policy)];
}

function policyObject({
  name,
  rules,
  operations,
  about,
  variables,
  validations,
  byCrown,
}: Policy): KubeObject {
  const spec = {
    failurePolicy: "Fail",
    ...(byCrown && { paramKind: { apiVersion: `${FEDERATION_GROUP}/v1`, kind: "Crown" } }),
    matchConstraints: {
      resourceRules: rules.map(({ groups, resources }) => ({
        apiGroups: groups,
        apiVersions: ["*"],
        resources,
        operations,
      })),
    },
    ...(about !== undefined && { matchConditions: [{ name: "about", expression: about }] }),
    ...(variables && {
      variables: Object.entries(variables).map(([key, expression]) => ({ name: key, expression })),
    }),
    validations: validations.map((one) => ({ ...one, reason: "Forbidden" })),
  };
  return { ...typed("ValidatingAdmissionPolicy", name), spec } as KubeObject;
}

function bindingObject({ name, byCrown }: Policy): KubeObject {
  const spec = {
    policyName: `${name}.${FEDERATION_GROUP}`,
    validationActions: ["Deny"],
    ...(byCrown && { paramRef: { name: CROWN_NAME, parameterNotFoundAction: "Deny" } }),
  };
  return { ...typed("ValidatingAdmissionPolicyBinding", name), spec } as KubeObject;
}

function typed(kind: string, name: string): KubeObject {
  const metadata = { name: `${name}.${FEDERATION_GROUP}` };
  return { apiVersion: "admissionregistration.k8s.io/v1", kind, metadata };
}
