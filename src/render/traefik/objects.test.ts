import { describe, expect, it } from "vitest";
import type { SitePlan } from "#plan/plan.ts";
import { fixturePlan } from "../fixture.ts";
import { dynamicConfig } from "./dynamic.ts";
import { type Manifest, POD } from "./names.ts";
import { traefikObjects } from "./objects.ts";

const KEY = "PRIVATE KEY TEXT";
const USERS = "operator:$apr1$hash";

function objectsOf(change: Partial<SitePlan> = {}, sitename = "package sitename"): readonly Manifest[] {
  return traefikObjects({
    ...fixturePlan(change),
    image: "traefik:1",
    certificate: { certificate: "CERTIFICATE TEXT", key: KEY },
    panelUsers: USERS,
    plugins: { sitename, panelindex: "package panelindex" },
  }) as readonly Manifest[];
}

function find(objects: readonly Manifest[], kind: string): Manifest {
  const found = objects.find((object) => object.kind === kind);
  if (!found) throw new Error(`no ${kind}`);
  return found;
}

const replicas = (change: Partial<SitePlan>) =>
  (find(objectsOf(change), "Deployment")["spec"] as { replicas: number }).replicas;
const annotation = (sitename: string) => JSON.stringify(find(objectsOf({}, sitename), "Deployment"));

describe("Traefik's objects", () => {
  it("begin with the namespace that most of them are in", () => {
    const objects = objectsOf();
    expect(objects[0]).toMatchObject({ kind: "Namespace", metadata: { name: "traefik" } });
    const outside = objects
      .filter(({ metadata }) => metadata.namespace === undefined)
      .map(({ kind }) => kind);
    expect(outside).toEqual([
      "Namespace",
      "ClusterRole",
      "ClusterRoleBinding",
      "MutatingAdmissionPolicy",
      "MutatingAdmissionPolicyBinding",
      "IngressClass",
      "GatewayClass",
    ]);
  });

  it("hold secrets in Secrets alone", () => {
    const text = JSON.stringify(objectsOf().filter(({ kind }) => kind !== "Secret"));
    for (const secret of [KEY, USERS]) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(Buffer.from(secret).toString("base64"));
    }
  });

  it("may read every Secret, because routes name them, and write nothing but the status of routes", () => {
    const { rules } = find(objectsOf(), "ClusterRole") as unknown as {
      rules: readonly { resources: readonly string[]; verbs: readonly string[] }[];
    };
    const written = rules.filter(({ verbs }) =>
      verbs.some((verb) => !["get", "list", "watch"].includes(verb)),
    );
    expect(written.flatMap(({ resources }) => resources).every((name) => name.endsWith("/status"))).toBe(
      true,
    );
    expect(rules.flatMap(({ verbs }) => verbs)).not.toContain("*");
  });

  it("have a pod on each server that carries workers, two where one server carries two, one where there is one", () => {
    const { machines } = fixturePlan().site;
    const others = machines.filter(({ role }) => role !== "worker");
    const workers = machines.filter(({ role }) => role === "worker");
    expect(replicas({})).toBe(2);
    expect(replicas({ machines: [...others, ...workers.map((one) => ({ ...one, server: "left" }))] })).toBe(
      2,
    );
    expect(replicas({ machines: [...others, ...workers.slice(0, 1)] })).toBe(1);
    const third = workers.map((one) => ({ ...one, name: `${one.name}-b`, server: `${one.server}-b` }));
    expect(replicas({ machines: [...others, ...workers, ...third] })).toBe(4);
  });

  it("start the pods anew where what they read at their start changes", () => {
    expect(annotation("package sitename")).toBe(annotation("package sitename"));
    expect(annotation("package sitename")).not.toBe(annotation("package sitename // other"));
  });
});

describe("Traefik's file", () => {
  const { plan, site } = fixturePlan();
  const { http } = dynamicConfig(plan, site, POD);

  it("begins no template, which Traefik would fill in", () => {
    const maps = objectsOf().filter(({ kind }) => kind === "ConfigMap");
    const dynamic = maps.find(({ metadata }) => metadata.name === "traefik-dynamic");
    expect(JSON.stringify(dynamic)).not.toContain("{{");
  });

  it("takes names below the site's and no other", () => {
    const rule = http.routers["site-name"]?.rule ?? "";
    const pattern = new RegExp(/HostRegexp\(`(.+)`\)/.exec(rule)?.[1] ?? "never^");
    for (const name of ["app.site1.home.test", "a.b.site1.home.test", "app.site1.home.test."])
      expect(pattern.test(name), name).toBe(true);
    for (const name of ["site1.home.test", "app.site11.home.test", "app.site1xhome.test", "app.home.test"])
      expect(pattern.test(name), name).toBe(false);
  });

  it("has a credential before everything at the panels' name", () => {
    const { control: here, "control-site": atSite, ...rest } = http.routers;
    for (const guard of [here, atSite]) expect(guard?.middlewares?.[0]).toBe("panels");
    const others = Object.values(rest).filter(({ entryPoints }) => entryPoints.includes("websecure"));
    expect(others.length).toBeGreaterThan(6);
    for (const { rule, priority = rule.length } of others) {
      expect(here?.priority, rule).toBeGreaterThan(priority);
      expect(atSite?.priority, rule).toBeGreaterThan(priority);
    }
    // But for what Traefik itself asks, nobody is let past the guard.
    expect(here?.rule).toBe("Host(`control.home.test`) && !ClientIP(`127.0.0.1/32`)");
    expect(atSite?.rule).toBe("HostRegexp(`^control\\.site1\\.home\\.test\\.?$`)");
  });
});
