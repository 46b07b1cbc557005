/** What agents and join tokens may do, as RBAC objects. What RBAC can't tell apart, such as one site's entry from another's, is the fence's. */
import type { KubeObject } from "#ports/kube.ts";
import {
  CORE_GROUP,
  CROWN_NAME,
  FEDERATION_GROUP,
  SCHEDULING_GROUP,
  SYSTEM_NAMESPACE,
  TYPES_GROUP,
} from "../api/names.ts";
import type { CrownSite } from "../api/crown.ts";
import { viewNamespace } from "../api/view.ts";
import {
  AGENT_USER_PREFIX,
  AGENTS_GROUP,
  CLOUD_AGENTS_GROUP,
  JOIN_NAMESPACE,
  agentAccount,
} from "./identity.ts";

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

interface Subject {
  readonly kind: "User" | "Group" | "ServiceAccount";
  readonly name: string;
  readonly namespace?: string;
}

const RBAC_GROUP = "rbac.authorization.k8s.io";
const READ: readonly string[] = ["get", "list", "watch"];

/** Of a site's own agent at its own API. */
export const OWN_AGENT_ROLE = "panopticon:agent";
/** Of other sites' agents at an API that is, or may become, their hub. */
export const OTHER_AGENT_ROLE = "panopticon:other-agent";
/** Of external cloud sites' agents there: not one federated object. */
export const CLOUD_AGENT_ROLE = "panopticon:cloud-agent";
/** Of whoever holds a join token. */
export const JOIN_ROLE = "panopticon:join";

/**
 * Whatever type is federated, the site's agent applies it here, and it defines
 * such types when the crown comes: so it may read and write everything. Other
 * than an administrator it may not impersonate, nor (without `escalate` and
 * `bind`) make or bind a role that allows more than it may itself, so a
 * federated role can't either; and it can lose these rights by one deletion.
 */
function ownAgentRules(): readonly Rule[] {
  return [{ apiGroups: ["*"], resources: ["*"], verbs: [...READ, "create", "update", "patch", "delete"] }];
}

/** Reads the federation, writes its own report and entries. No `delete`, no Secret, nothing outside the federation. */
function otherAgentRules(federatedGroups: readonly string[]): readonly Rule[] {
  return [
    { apiGroups: [TYPES_GROUP, ...federatedGroups, SCHEDULING_GROUP], resources: ["*"], verbs: READ },
    {
      apiGroups: [CORE_GROUP],
      resources: ["federatedtypeconfigs", "kubefedclusters", "kubefedconfigs"],
      verbs: READ,
    },
    // Tombstones are mirrors; the list of sites is in the crown.
    { apiGroups: [FEDERATION_GROUP], resources: ["mirrors", "crowns", "siteaccesses"], verbs: READ },
    { apiGroups: [FEDERATION_GROUP], resources: ["crowns"], resourceNames: [CROWN_NAME], verbs: ["update"] },
    { apiGroups: [FEDERATION_GROUP], resources: ["conflicts"], verbs: ["create"] },
    {
      apiGroups: [FEDERATION_GROUP],
      resources: ["siteaccesses", "sitereports"],
      verbs: ["create", "update", "patch"],
    },
  ];
}

/** Who is crowned, its own entry there and its own keys; what it is shown is in a namespace of its own (`viewRoles`). */
function cloudAgentRules(): readonly Rule[] {
  return [
    { apiGroups: [FEDERATION_GROUP], resources: ["crowns", "siteaccesses"], verbs: READ },
    { apiGroups: [FEDERATION_GROUP], resources: ["crowns"], resourceNames: [CROWN_NAME], verbs: ["update"] },
    { apiGroups: [FEDERATION_GROUP], resources: ["siteaccesses"], verbs: ["create", "update", "patch"] },
  ];
}

/** In the system namespace alone: a heartbeat, and the site's own cluster. */
function otherAgentSystemRules(): readonly Rule[] {
  return [
    { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create", "patch"] },
    { apiGroups: [CORE_GROUP], resources: ["kubefedclusters"], verbs: ["create", "update", "patch"] },
  ];
}

/** Asks to join, and sees what becomes of it; what is read there is sealed for whom it is meant for. */
function joinRules(): readonly Rule[] {
  return [{ apiGroups: [FEDERATION_GROUP], resources: ["siterequests"], verbs: [...READ, "create"] }];
}

export interface RolesInput {
  /** The site whose API this is. */
  readonly site: string;
  /** Groups of federated types beside kubefed's own. */
  readonly federatedGroups?: readonly string[];
}

/** Roles and bindings of a site's API; whom the API knows as a service account is bound by `accountBindings`. */
export function agentRoles({ site, federatedGroups = [] }: RolesInput): readonly KubeObject[] {
  const own: readonly Subject[] = [
    { kind: "User", name: `${AGENT_USER_PREFIX}${site}` },
    account("panopticon-agent"),
    account(agentAccount(site)),
  ];
  const others: readonly Subject[] = [{ kind: "Group", name: AGENTS_GROUP }];
  const clouds: readonly Subject[] = [{ kind: "Group", name: CLOUD_AGENTS_GROUP }];
  const joiners: readonly Subject[] = [{ kind: "Group", name: `system:serviceaccounts:${JOIN_NAMESPACE}` }];
  return [
    role(OWN_AGENT_ROLE, ownAgentRules()),
    role(OTHER_AGENT_ROLE, otherAgentRules(federatedGroups)),
    role(OTHER_AGENT_ROLE, otherAgentSystemRules(), SYSTEM_NAMESPACE),
    role(CLOUD_AGENT_ROLE, cloudAgentRules()),
    role(JOIN_ROLE, joinRules()),
    binding(OWN_AGENT_ROLE, OWN_AGENT_ROLE, own),
    binding(OTHER_AGENT_ROLE, OTHER_AGENT_ROLE, others),
    binding(OTHER_AGENT_ROLE, OTHER_AGENT_ROLE, others, SYSTEM_NAMESPACE),
    binding(CLOUD_AGENT_ROLE, CLOUD_AGENT_ROLE, clouds),
    binding(CLOUD_AGENT_ROLE, OTHER_AGENT_ROLE, clouds, SYSTEM_NAMESPACE),
    binding(JOIN_ROLE, JOIN_ROLE, joiners),
  ];
}

/** Binds the service account of another site's agent as the group of agents is bound; the API gives accounts no such group. */
export function accountBindings(site: string, kind: CrownSite["kind"] = "on-prem"): readonly KubeObject[] {
  const name = `${OTHER_AGENT_ROLE}:${site}`;
  const subjects = [account(agentAccount(site))];
  return [
    binding(name, kind === "cloud" ? CLOUD_AGENT_ROLE : OTHER_AGENT_ROLE, subjects),
    binding(name, OTHER_AGENT_ROLE, subjects, SYSTEM_NAMESPACE),
  ];
}

/** What an external cloud site's agent may do with its views at the hub, and that it may see its own cluster there. */
export function viewRoles(site: string): readonly KubeObject[] {
  const name = `panopticon:view:${site}`;
  const own: readonly Subject[] = [
    { kind: "User", name: `${AGENT_USER_PREFIX}${site}` },
    account(agentAccount(site)),
  ];
  const namespace = viewNamespace(site);
  const views = [
    { apiGroups: [FEDERATION_GROUP], resources: ["views"], verbs: [...READ, "create"] },
    { apiGroups: [FEDERATION_GROUP], resources: ["views/status"], verbs: ["update", "patch"] },
  ];
  const cluster = [
    { apiGroups: [CORE_GROUP], resources: ["kubefedclusters"], resourceNames: [site], verbs: ["get"] },
  ];
  return [
    role(name, views, namespace),
    binding(name, name, own, namespace),
    role(name, cluster, SYSTEM_NAMESPACE),
    binding(name, name, own, SYSTEM_NAMESPACE),
  ];
}

function account(name: string): Subject {
  return { kind: "ServiceAccount", name, namespace: SYSTEM_NAMESPACE };
}

function role(name: string, rules: readonly Rule[], namespace?: string): KubeObject {
  return { ...typed("Role", name, namespace), rules } as KubeObject;
}

/** To the role of the same kind: one of the cluster's, or one of the namespace's. */
function binding(
  name: string,
  roleName: string,
  subjects: readonly Subject[],
  namespace?: string,
): KubeObject {
  const kind = namespace === undefined ? "ClusterRole" : "Role";
  const full = subjects.map((one) =>
    one.kind === "ServiceAccount" ? one : { ...one, apiGroup: RBAC_GROUP },
  );
  const roleRef = { apiGroup: RBAC_GROUP, kind, name: roleName };
  return { ...typed("RoleBinding", name, namespace), roleRef, subjects: full } as KubeObject;
}

function typed(kind: "Role" | "RoleBinding", name: string, namespace?: string): KubeObject {
  return {
    apiVersion: `${RBAC_GROUP}/v1`,
    kind: namespace === undefined ? `Cluster${kind}` : kind,
    metadata: { name, ...(namespace !== undefined && { namespace }) },
  };
}
