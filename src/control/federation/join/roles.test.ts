/** The rights of agents are as few as they can be, and roles and bindings fit together. */
import { describe, expect, it } from "vitest";
import type { KubeObject } from "#ports/kube.ts";
import { ownAgents } from "./identity.ts";
import {
  accountBindings,
  agentRoles,
  CLOUD_AGENT_ROLE,
  JOIN_ROLE,
  OTHER_AGENT_ROLE,
  OWN_AGENT_ROLE,
  viewRoles,
} from "./roles.ts";

interface Role extends KubeObject {
  readonly rules?: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
  }[];
  readonly roleRef?: { readonly kind: string; readonly name: string };
}

const objects: readonly Role[] = [...agentRoles({ site: "attic" }), ...accountBindings("cellar")];
const rulesOf = (name: string) =>
  objects.filter(({ metadata }) => metadata?.name === name).flatMap(({ rules = [] }) => rules);
const verbs = (name: string) => new Set(rulesOf(name).flatMap((rule) => rule.verbs));

describe("the rights of agents", () => {
  it("bind only roles that there are", () => {
    const there = objects.flatMap(({ kind, metadata, rules }) =>
      rules ? [`${kind} ${metadata?.name}`] : [],
    );
    const bound = objects.flatMap(({ roleRef }) => (roleRef ? [`${roleRef.kind} ${roleRef.name}`] : []));
    expect(bound.length).toBeGreaterThan(4);
    expect(there).toEqual(expect.arrayContaining(bound));
  });

  it("let another site's agent delete nothing, read no Secret, and write nothing outside the federation", () => {
    expect(verbs(OTHER_AGENT_ROLE)).toEqual(new Set(["get", "list", "watch", "create", "update", "patch"]));
    const rules = rulesOf(OTHER_AGENT_ROLE);
    for (const { apiGroups } of rules) for (const group of ["", "*"]) expect(apiGroups).not.toContain(group);
    const any = rules.filter(({ resources }) => resources.includes("*"));
    expect(any.map(({ apiGroups }) => apiGroups)).toEqual([["types.kubefed.io", "scheduling.kubefed.io"]]);
  });

  it("show an external cloud's agent no federated object, no tombstone and no other site's cluster", () => {
    const readable = rulesOf(CLOUD_AGENT_ROLE).flatMap(({ resources }) => resources);
    expect(new Set(readable)).toEqual(new Set(["crowns", "siteaccesses"]));
    const shown = viewRoles("cloud") as readonly Role[];
    const rules = shown.flatMap((one) => one.rules ?? []);
    expect(rules.flatMap(({ resources }) => resources)).toEqual(["views", "views/status", "kubefedclusters"]);
    expect(shown.map(({ metadata }) => metadata?.namespace)).toEqual([
      "panopticon-site-cloud",
      "panopticon-site-cloud",
      "kube-federation-system",
      "kube-federation-system",
    ]);
    const bound = accountBindings("cloud", "cloud") as readonly Role[];
    expect(bound[0]?.roleRef?.name).toBe(CLOUD_AGENT_ROLE);
  });

  it("never let an agent give itself more, nor be somebody else", () => {
    for (const name of [OWN_AGENT_ROLE, OTHER_AGENT_ROLE, CLOUD_AGENT_ROLE, JOIN_ROLE])
      for (const verb of ["*", "escalate", "bind", "impersonate", "crown"])
        expect(verbs(name)).not.toContain(verb);
  });

  it("let a join token ask to join, and do nothing else", () => {
    expect(rulesOf(JOIN_ROLE)).toEqual([
      {
        apiGroups: ["federation.panopticon.dev"],
        resources: ["siterequests"],
        verbs: ["get", "list", "watch", "create"],
      },
    ]);
  });

  it("know an agent by certificate and by account, and once each", () => {
    expect(ownAgents("attic", "panopticon:agent:attic")).toHaveLength(3);
    expect(ownAgents("attic", "somebody")).toContain("somebody");
  });
});
