import { describe, expect, it } from "vitest";
import type { MachinePlan, SitePlan } from "#plan/plan.ts";
import { agentObjects, agentReplicas } from "./agent.ts";

function siteOf(...roles: readonly MachinePlan["role"][]): SitePlan {
  return { name: "attic", machines: roles.map((role) => ({ role })) } as unknown as SitePlan;
}

const INPUT = {
  namespace: "kube-federation-system",
  site: siteOf("ecam", "controlplane", "worker"),
  image: "panopticon.test/agent:1",
  kubeconfig: "secret words",
  endpoints: ["https://203.0.113.10:6443", "https://203.0.113.11:6443"],
  apiPorts: [6443],
};

describe("a site's agent as Kubernetes objects", () => {
  it("keeps its credentials in the Secret, and of them no more than a digest in the Deployment", () => {
    const [secret, ...others] = agentObjects(INPUT);
    expect(Buffer.from(secret.data?.["kubeconfig"] ?? "", "base64").toString()).toBe("secret words");
    expect(JSON.stringify(others)).not.toContain("secret words");
  });

  it("starts anew with new credentials, and with those alone", () => {
    const annotations = (kubeconfig: string) =>
      agentObjects({ ...INPUT, kubeconfig })[3].spec?.template.metadata?.annotations;
    expect(annotations("a")).toEqual(annotations("a"));
    expect(annotations("a")).not.toEqual(annotations("b"));
  });

  it("runs as nobody, writes nothing and may do nothing", () => {
    const pod = agentObjects(INPUT)[3].spec?.template.spec;
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    });
    for (const { securityContext } of pod?.containers ?? [])
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
  });

  it("tells every way to its site's API, and takes the site's own context", () => {
    const args = agentObjects(INPUT)[3].spec?.template.spec?.containers[0]?.args?.join(" ");
    expect(args).toMatch(/^agent run --site attic /);
    expect(args).toContain("--context attic");
    expect(args).toContain("--endpoint https://203.0.113.10:6443 --endpoint https://203.0.113.11:6443");
  });

  it("has two replicas, or as many as there are nodes", () => {
    expect(agentReplicas(siteOf("ecam", "controlplane"))).toBe(1);
    expect(agentReplicas(siteOf("ecam", "ecam", "controlplane", "worker", "worker"))).toBe(2);
  });
});
